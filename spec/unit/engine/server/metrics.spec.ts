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
    ...{ steps: 7, tokens: 70, running: 2, waiting: 99, preemptions: 11 },
    blocks: { total: 8, free: 6, cached: 1, evictions: 12, copies: 98 },
    prefixCache: { queries: 13, hits: 14, savedTokens: 15 },
    promptLookup: { drafted: 9, accepted: 4 },
  };
  numOpen = 5;
  const text = await metrics.read();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  t.deepEqual(
    lines.filter((line) => !line.includes('_bucket')),
    [
      'plumbline_num_requests_running 2',
      'plumbline_kv_cache_usage_perc 0.25',
      'plumbline_num_preemptions_total 11',
      'plumbline_prefix_cache_queries_total 13',
      'plumbline_prefix_cache_hits_total 14',
      'plumbline_prefix_cache_saved_tokens_total 15',
      'plumbline_prefix_cache_evictions_total 12',
      'plumbline_spec_decode_num_draft_tokens_total 9',
      'plumbline_spec_decode_num_accepted_tokens_total 4',
      'plumbline_engine_steps_total 7',
      'plumbline_engine_tokens_total 70',
      'plumbline_num_requests_waiting 3',
      'plumbline_http_requests_total{route="/tokenize",status="400"} 2',
      'plumbline_http_requests_total{route="unknown",status="left"} 1',
      'plumbline_request_success_total{finished_reason="stop"} 1',
      'plumbline_prompt_tokens_total 5',
      'plumbline_generation_tokens_total 2',
      'plumbline_time_to_first_token_seconds_sum 0.02',
      'plumbline_time_to_first_token_seconds_count 1',
      'plumbline_inter_token_latency_seconds_sum 0.003',
      'plumbline_inter_token_latency_seconds_count 1',
      'plumbline_e2e_request_latency_seconds_sum 0.7',
      'plumbline_e2e_request_latency_seconds_count 1',
    ],
  );
  const bounds = [
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    25,
    50,
    100,
    250,
    '+Inf',
  ];
  t.deepEqual(
    lines.filter((line) => line.includes('inter_token_latency_seconds_bucket')),
    bounds.map(
      (le) => `plumbline_inter_token_latency_seconds_bucket{le="${le}"} ${Number(le) < 0.003 ? 0 : 1}`,
    ),
  );
  t.is(lines.filter((line) => line.includes('_bucket')).length, 3 * bounds.length);
  t.deepEqual(
    text
      .split('\n')
      .filter((line) => line.startsWith('# TYPE') && !/_total counter$|_seconds histogram$/.test(line)),
    ['num_requests_running', 'kv_cache_usage_perc', 'num_requests_waiting'].map(
      (name) => `# TYPE plumbline_${name} gauge`,
    ),
  );
  t.regex(metrics.contentType, /^text\/plain; version=0\.0\.4/);
  t.is(await metrics.read(), text, 'not added up when read twice');
  numOpen = 1;
  t.true(
    (await metrics.read()).includes('plumbline_num_requests_waiting 0\n'),
    'a step ends before its requests',
  );
});
