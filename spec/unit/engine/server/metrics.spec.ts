import test from 'ava';
import { Metrics } from '../../../../engine/server/metrics.ts';
import { fakeEngine } from './fakes.ts';

test('metrics have the values of the engine and of what was counted', async (t) => {
  const engine = fakeEngine();
  let numOpen = 0;
  const metrics = new Metrics({ stats: () => engine.stats, numOpen: () => numOpen });
  metrics.countRequest('/tokenize', 400);
  metrics.countRequest('/tokenize', 400);
  metrics.countRequest('unknown', 'left');
  metrics.countPrompt(5);
  metrics.countToken(20, true);
  metrics.countToken(3, false);
  metrics.countSample('stop');
  metrics.countEnd(700);
  engine.stats = {
    ...engine.stats,
    ...{ steps: 7, running: 2 },
    blocks: { total: 8, free: 6, cached: 1, evictions: 0, copies: 0 },
    promptLookup: { drafted: 9, accepted: 4 },
  };
  numOpen = 5;
  const lines = (await metrics.read()).split('\n');
  for (const line of [
    'plumbline_http_requests_total{route="/tokenize",status="400"} 2',
    'plumbline_http_requests_total{route="unknown",status="left"} 1',
    'plumbline_prompt_tokens_total 5',
    'plumbline_generation_tokens_total 2',
    'plumbline_request_success_total{finished_reason="stop"} 1',
    'plumbline_time_to_first_token_seconds_sum 0.02',
    'plumbline_inter_token_latency_seconds_bucket{le="0.005"} 1',
    'plumbline_e2e_request_latency_seconds_count 1',
    'plumbline_e2e_request_latency_seconds_sum 0.7',
    'plumbline_inter_token_latency_seconds_sum 0.003',
    'plumbline_engine_steps_total 7',
    'plumbline_spec_decode_num_draft_tokens_total 9',
    'plumbline_spec_decode_num_accepted_tokens_total 4',
    'plumbline_num_requests_running 2',
    'plumbline_num_requests_waiting 3',
    'plumbline_kv_cache_usage_perc 0.25',
  ]) {
    t.true(lines.includes(line), `${line} in\n${lines.join('\n')}`);
  }
  t.regex(metrics.contentType, /text\/plain/);
  t.true((await metrics.read()).includes('plumbline_engine_steps_total 7\n'), 'not added up when read twice');
});
