import type { Page } from 'playwright-core';

/** Of the browser, where the functions below run. */
declare function requestAnimationFrame(step: (now: number) => void): number;
declare const document: { querySelectorAll: (selector: string) => { readonly length: number } };

export interface Frames {
  /** Milliseconds from one frame to the next, the shortest first. */
  readonly gaps: readonly number[];
}

/** The frames that the page draws in so many seconds. */
export async function watchFrames(page: Page, seconds: number): Promise<Frames> {
  const gaps = await page.evaluate(
    (ms) =>
      new Promise<number[]>((resolve) => {
        const found: number[] = [];
        const startedAt = performance.now();
        let last = startedAt;
        const step = (now: number): void => {
          found.push(now - last);
          last = now;
          if (now - startedAt < ms) requestAnimationFrame(step);
          else resolve(found);
        };
        requestAnimationFrame(step);
      }),
    seconds * 1_000,
  );
  return { gaps: gaps.sort((a, b) => a - b) };
}

/** Opens the page; gives the milliseconds from the start of the navigation to the frame after the one that has drawn so many cards. */
export async function watchFirstView(page: Page, url: string, cards: number): Promise<number> {
  await page.goto(url, { waitUntil: 'commit' });
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const step = (): void => {
          if (document.querySelectorAll('[data-card]').length < wanted) requestAnimationFrame(step);
          else requestAnimationFrame((now) => resolve(now));
        };
        requestAnimationFrame(step);
      }),
    cards,
  );
}

/** The gap that `share` of the frames (0 to 1) are within. */
export function quantile({ gaps }: Frames, share: number): number {
  return gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))] ?? Number.NaN;
}
