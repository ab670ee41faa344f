import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import { renderPage } from '../../verify/report/html/page.ts';
import type { Verdict } from '../../verify/verdict.ts';
import { RIGHT, UNKNOWN, WRONG } from '../support/verify/sample-verdicts.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };

const folder = mkdtempSync(join(tmpdir(), 'verdict-page-'));
let browser: Browser | undefined;

test.before(async () => {
  if (!CHROMIUM) return;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
});
test.after.always(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Opens a verdict's page from disk, and gathers what it asks for and what goes wrong. */
async function open(
  verdict: Verdict,
  viewport: { width: number; height: number },
  colorScheme: 'light' | 'dark',
) {
  const file = join(folder, `${verdict.verdict}.html`);
  writeFileSync(file, renderPage(verdict));
  const page = await browser!.newPage({ viewport, colorScheme });
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => errors.push(message.text()));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  return { page, url, requests, errors };
}

/** Elements that stick out of the page, and boxes whose content is wider than they are. */
function overflowing(page: Page): Promise<string[]> {
  // Runs in the browser, so its types are not known here.
  return page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1);
    const boxes = [...document.querySelectorAll('main, .card, td, th, .map, .bug')];
    return [...all, ...boxes.filter((e) => e.scrollWidth > e.clientWidth + 1)]
      .map((e) => e.tagName + '.' + e.getAttribute('class') + ': ' + e.textContent.slice(0, 40));
  })()`);
}

if (!CHROMIUM) {
  test('pages are looked at in Chromium', (t) => {
    t.log('there is no Chromium here (apt install chromium): pages were not looked at');
    t.falsy(process.env.CI, 'CI installs chromium');
  });
} else {
  for (const [name, viewport] of Object.entries({ PHONE, DESKTOP })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test.serial(`pages fit a ${name.toLowerCase()} in ${colorScheme}, and ask for nothing`, async (t) => {
        for (const verdict of [RIGHT, WRONG, UNKNOWN]) {
          const { page, url, requests, errors } = await open(verdict, viewport, colorScheme);
          t.deepEqual(requests, [url]);
          t.deepEqual(errors, []);
          t.deepEqual(await overflowing(page), []);
          t.regex(await page.locator('h1').innerText(), new RegExp(verdict.verdict, 'i'));
          await page.close();
        }
      });
    }
  }

  test.serial('light and dark pages have text that contrasts with the background', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(WRONG, DESKTOP, colorScheme);
      const [text, card] = (await page.evaluate(`(() => {
        const of = (e, key) => getComputedStyle(e)[key].match(/\\d+/g).slice(0, 3).map(Number);
        return [of(document.body, 'color'), of(document.querySelector('.card'), 'backgroundColor')];
      })()`)) as number[][];
      t.true(contrast(text, card) > 7, `${colorScheme}: a contrast of ${contrast(text, card)}`);
      await page.close();
    }
  });

  test.serial('the marked cell is the first divergence', async (t) => {
    const { page } = await open(WRONG, DESKTOP, 'light');
    const mark = page.locator('rect.first[data-stage]');
    t.is(await mark.count(), 1);
    t.is(await mark.getAttribute('data-stage'), 'hidden_states.2');
    const box = (await mark.boundingBox())!;
    const under = await page.evaluate(`(() => {
      const at = document.elementsFromPoint(${box.x + box.width / 2}, ${box.y + box.height / 2});
      return at.filter((e) => e.tagName === 'rect').map((e) => e.querySelector('title')?.textContent).filter(Boolean);
    })()`);
    t.deepEqual(under, ['hidden_states.2, position 64: 40 × the noise']);
    await page.close();
  });
}

/** The contrast of two colours (WCAG 2.2, "contrast ratio"). @param a,b red, green and blue, 0 to 255 */
function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (color: readonly number[]) => {
    const [r, g, blue] = color.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
