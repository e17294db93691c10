import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { startBrowser, startUi } from '../../test/ui/browser.ts';
import { type LiveHubble, startLiveHubble } from '../../test/ui/live-hubble.ts';
import { type Frames, watchFirstView, watchFrames } from './frames.ts';

/** Flows a second. */
export const perSecond = 1_000;
/** Milliseconds between two portions of flows. */
const portionMs = 20;
/** Flows that are there before the page is opened. */
const before = 5_000;
/** Openings of the page after the first one. */
const warmViews = 3;

export interface PageRun {
  /** A recording; pushed from its beginning again when it ends. */
  readonly lines: readonly string[];
  /** Cards that make a view of it. */
  readonly cards: number;
  /** Seconds under load before anything is measured: those in which the page's memory of flows fills. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface PageFigures {
  readonly firstView: FirstView;
  readonly frames: Frames;
  /** Share of the time in which the page's main thread worked. */
  readonly busy: number;
  /** Bytes of JavaScript objects before and after the seconds of load, after collections of garbage. */
  readonly heap: { readonly before: number; readonly after: number };
  /** Elements and texts of the document before and after. */
  readonly nodes: { readonly before: number; readonly after: number };
  /** Flows that the page was not told of. */
  readonly lost: number;
}

/** Milliseconds from the start of the navigation until the cards have been drawn. */
export interface FirstView {
  /** Browser, `ciliate ui` and Hubble have just started. */
  readonly allCold: number;
  /** The browser alone has just started. */
  readonly cold: number;
  /** In a browser that has seen the page. */
  readonly warm: readonly number[];
  /** What a page without anything takes in a browser that has just started. */
  readonly empty: number;
}

/** The page of `ciliate ui` before a Hubble of its own, in a browser of its own, under `perSecond` flows. */
export async function measurePage(run: PageRun): Promise<PageFigures> {
  const hubble = await startLiveHubble();
  hubble.push(Array.from({ length: before }, (_, index) => run.lines[index % run.lines.length] ?? ''));
  const ui = await startUi(['--server', hubble.address]);
  try {
    const allCold = await viewInNewBrowser(ui.url, run.cards);
    const empty = await viewOfNothing();
    const browser = await startBrowser();
    try {
      const page = await newPage(browser);
      const views: number[] = [];
      for (let view = 0; view <= warmViews; view++) views.push(await viewAfterBlank(page, ui.url, run.cards));
      const [cold = Number.NaN, ...warm] = views;
      return { firstView: { allCold, cold, warm, empty }, ...(await underLoad(page, hubble, run)) };
    } finally {
      await browser.close();
    }
  } finally {
    await ui.stop();
    await hubble.close();
  }
}

async function viewInNewBrowser(url: string, cards: number): Promise<number> {
  const browser = await startBrowser();
  try {
    return await viewAfterBlank(await newPage(browser), url, cards);
  } finally {
    await browser.close();
  }
}

async function viewOfNothing(): Promise<number> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>empty</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await viewInNewBrowser(`http://localhost:${(server.address() as AddressInfo).port}/`, 0);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function viewAfterBlank(page: Page, url: string, cards: number): Promise<number> {
  await page.goto('about:blank');
  return watchFirstView(page, url, cards);
}

async function newPage(browser: Browser): Promise<Page> {
  return browser.newPage({ viewport: { width: 1440, height: 900 } });
}

async function underLoad(page: Page, hubble: LiveHubble, run: PageRun): Promise<Omit<PageFigures, 'firstView'>> {
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const toldBefore = await flowsTold(page);
  const load = startLoad(hubble, run.lines);
  await sleep(run.warmUpSeconds * 1_000);
  const start = await metricsOf(client);
  await sleep(1_000);
  const busyBefore = await busySeconds(client);
  const frames = await watchFrames(page, run.seconds);
  const busy = ((await busySeconds(client)) - busyBefore) / run.seconds;
  const pushed = await load.stop();
  await sleep(1_000);
  const end = await metricsOf(client);
  const lost = pushed - ((await flowsTold(page)) - toldBefore);
  return {
    frames,
    busy,
    heap: { before: start.heap, after: end.heap },
    nodes: { before: start.nodes, after: end.nodes },
    lost,
  };
}

/** The number of flows that the page's header tells. */
async function flowsTold(page: Page): Promise<number> {
  const told = (await page.getByRole('status').textContent()) ?? '';
  return Number(/([\d,]+) flows/.exec(told)?.[1]?.replaceAll(',', '') ?? 0);
}

/** Pushes flows evenly until it is stopped; gives how many those were. */
function startLoad({ push }: LiveHubble, lines: readonly string[]): { readonly stop: () => Promise<number> } {
  const startedAt = performance.now();
  const stopped = new AbortController();
  let pushed = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    for (const until = Math.floor(due); pushed < until; pushed++) push([lines[pushed % lines.length] ?? '']);
    if (stopped.signal.aborted) clearInterval(timer);
  }, portionMs);
  return {
    async stop() {
      stopped.abort();
      await sleep(2 * portionMs);
      return pushed;
    },
  };
}

async function metricsOf(client: CDPSession): Promise<{ readonly heap: number; readonly nodes: number }> {
  await client.send('HeapProfiler.collectGarbage');
  return { heap: await metric(client, 'JSHeapUsedSize'), nodes: await metric(client, 'Nodes') };
}

/** Seconds that the page's main thread has worked since it started. */
function busySeconds(client: CDPSession): Promise<number> {
  return metric(client, 'TaskDuration');
}

async function metric(client: CDPSession, wanted: string): Promise<number> {
  const { metrics } = await client.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
}
