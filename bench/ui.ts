import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { noBrowser, startBrowser, startUi } from '../test/ui/browser.ts';
import { generateRecording } from '../test/ui/generate-flows.ts';
import { startLiveHubble } from '../test/ui/live-hubble.ts';
import type { Figure } from './figure.ts';

const perSecond = 1_000;
const warmUpSeconds = 3;
const seconds = 15;
/** Milliseconds between two portions of flows. */
const portionMs = 20;

/** The page of `ciliate ui` in Chromium, without a graphics processor, while 1,000 flows a second come. */
export async function uiBench({ quick }: { readonly quick: boolean }): Promise<readonly Figure[]> {
  if (noBrowser !== false) {
    console.error(noBrowser);
    return [];
  }
  const hubble = await startLiveHubble();
  const ui = await startUi(['--server', hubble.address]);
  const browser = await startBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(ui.url);
    const client = await page.context().newCDPSession(page);
    await client.send('Performance.enable');
    const lines = generateRecording({ seed: 5, flows: 20_000, startMs: 0, perSecond: 1 });
    let pushed = await load(hubble.push, lines, warmUpSeconds);
    const frames = watchFrames(page, quick ? 5 : seconds);
    const before = await busySeconds(client);
    pushed += await load(hubble.push, lines, quick ? 5 : seconds);
    const busy = ((await busySeconds(client)) - before) / (quick ? 5 : seconds);
    const { rate, worst } = await frames;
    await sleep(1_000);
    const told = (await page.getByRole('status').textContent()) ?? '';
    const shown = Number(/([\d,]+) flows/.exec(told)?.[1]?.replaceAll(',', '') ?? 0);
    const of = `page at ${perSecond} flows a second`;
    return [
      { figure: `${of}: its thread is busy`, value: 100 * busy, unit: '%', goal: '50 or less' },
      { figure: `${of}: frames drawn`, value: rate, unit: '/s', goal: '50 or more' },
      { figure: `${of}: 99 % of the frames within`, value: worst, unit: 'ms', goal: '50 or less' },
      { figure: `${of}: flows that did not come`, value: pushed - shown, unit: '', goal: '0' },
    ];
  } finally {
    await browser.close();
    await ui.stop();
    await hubble.close();
  }
}

/** Pushes flows evenly; gives how many. */
async function load(
  push: (lines: readonly string[]) => void,
  lines: readonly string[],
  forSeconds: number,
): Promise<number> {
  const startedAt = performance.now();
  let pushed = 0;
  while (pushed < forSeconds * perSecond) {
    await sleep(portionMs);
    const due = Math.min(forSeconds, (performance.now() - startedAt) / 1_000) * perSecond;
    const portion = Array.from(
      { length: Math.ceil(due) - pushed },
      (_, index) => lines[(pushed + index) % lines.length] ?? '',
    );
    push(portion);
    pushed += portion.length;
  }
  return pushed;
}

/** Seconds that the page's main thread has worked since it started. */
async function busySeconds(client: CDPSession): Promise<number> {
  const { metrics } = await client.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
}

/** Of the browser, where the function below runs. */
declare function requestAnimationFrame(step: (now: number) => void): number;

/** Frames a second, and the milliseconds within which 99 of 100 frames follow the one before. */
function watchFrames(page: Page, forSeconds: number): Promise<{ readonly rate: number; readonly worst: number }> {
  return page.evaluate(
    (ms) =>
      new Promise<{ rate: number; worst: number }>((resolve) => {
        const gaps: number[] = [];
        const startedAt = performance.now();
        let last = startedAt;
        const step = (now: number): void => {
          gaps.push(now - last);
          last = now;
          if (now - startedAt < ms) {
            requestAnimationFrame(step);
            return;
          }
          gaps.sort((a, b) => a - b);
          resolve({ rate: (1_000 * gaps.length) / ms, worst: gaps[Math.floor(gaps.length * 0.99)] ?? 0 });
        };
        requestAnimationFrame(step);
      }),
    forSeconds * 1_000,
  );
}
