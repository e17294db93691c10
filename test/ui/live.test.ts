import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { noBrowser, type RunningUi, startBrowser, startUi } from './browser.ts';
import { generateRecording } from './generate-flows.ts';
import { generateMany } from './generate-many.ts';
import { type LiveHubble, startLiveHubble } from './live-hubble.ts';

const screenshots = path.resolve(import.meta.dirname, '../../test-results');

describe('the page of a live Hubble', { skip: noBrowser, timeout: 120_000 }, () => {
  const lines = generateRecording({ seed: 3, flows: 2_000, startMs: 0, perSecond: 1 });
  let hubble: LiveHubble;
  let ui: RunningUi;
  let browser: Browser;
  let page: Page;

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    hubble = await startLiveHubble();
    hubble.push(lines.slice(0, 500));
    ui = await startUi(['--server', hubble.address]);
    browser = await startBrowser();
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(20_000);
  });

  after(async () => {
    await browser?.close();
    await ui?.stop();
    await hubble?.close();
  });

  const transforms = (): Promise<Record<string, string>> =>
    page
      .locator('[data-card]')
      .evaluateAll((cards) =>
        Object.fromEntries(cards.map((card) => [card.getAttribute('data-card'), card.getAttribute('transform')])),
      );
  const count = (text: string): Promise<void> => page.getByRole('status').filter({ hasText: text }).waitFor();

  test('flows of before come first, new ones follow and nothing moves', async () => {
    await page.goto(ui.url);
    await count('500 flows');
    await page.locator('[data-card="bank/audit"]').waitFor();
    // Cards may still be arranged anew in the first moments.
    await page.waitForTimeout(2_500);
    const before = await transforms();
    hubble.push(lines.slice(500, 1_500));
    hubble.push([lines[0]?.replaceAll('"web', '"newcomer').replaceAll('shop', 'elsewhere') ?? '']);
    await count('1,501 flows');
    await page.locator('[data-card^="elsewhere/"], [data-card="/world"]').first().waitFor();
    const now = await transforms();
    for (const [card, transform] of Object.entries(before)) assert.equal(now[card], transform, card);
    await page.locator('.edge-label', { hasText: '/s' }).first().waitFor();
    await page.screenshot({ path: path.join(screenshots, 'live.png') });
  });

  test('a table that is scrolled stands still and tells how many newer flows there are', async () => {
    const box = page.locator('.scroller');
    await box.evaluate((element) => {
      element.scrollTop = 520;
    });
    const row = page.locator('.scroller [role=row][aria-rowindex="30"]');
    await row.waitFor();
    const before = await row.textContent();
    hubble.push(lines.slice(1_500, 1_540));
    await page.getByRole('button', { name: '40 newer flows' }).waitFor();
    assert.equal(await row.textContent(), before);
    await page.getByRole('button', { name: '40 newer flows' }).click();
    await page.getByRole('button', { name: 'newer flows' }).waitFor({ state: 'detached' });
  });

  test('while paused flows wait, and come when it goes on', async () => {
    const rows = (): Promise<number> => page.locator('[role=grid]').getAttribute('aria-rowcount').then(Number);
    await page.keyboard.press('p');
    await count('paused');
    const before = await rows();
    hubble.push(lines.slice(1_540, 1_550));
    await count('1,551 flows');
    assert.equal(await rows(), before);
    await page.keyboard.press('p');
    await page.waitForFunction(
      (least) => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) === least,
      before + 10,
    );
  });

  test('a Hubble that goes is told, and its flows come when it is back', async () => {
    const port = Number(hubble.address.split(':')[1]);
    await hubble.close();
    await count('no connection');
    await page.getByRole('alert').waitFor();
    hubble = await startLiveHubble(port);
    hubble.push(lines.slice(0, 50));
    await count('50 flows');
    assert.equal(await page.locator('#fault').textContent(), '');
  });

  test('a map of 200 workloads shows their names in a size to be read, and all of a card when it comes nearer', async () => {
    const many = generateMany({ seed: 5, flows: 5_000, startMs: 0, perSecond: 1, workloads: 200 });
    hubble.push(many);
    await page.goto(ui.url);
    // While the map is laid out anew, a card may be drawn at its new place before that of before is.
    const name = page.locator('[data-card="team-04/gateway"] .name').first();
    await name.waitFor();
    await page.locator('.plate', { hasText: 'team-04' }).waitFor();
    // The map has its scale a little after the first names.
    const height = async (): Promise<number> => (await name.boundingBox())?.height ?? 0;
    const deadline = Date.now() + 10_000;
    while ((await height()) < 10) {
      assert.ok(Date.now() < deadline, 'the name is too small');
      await page.waitForTimeout(50);
    }
    assert.equal(await page.locator('[data-card] .call').count(), 0);
    await page.screenshot({ path: path.join(screenshots, 'map-many.png') });
    for (let step = 0; step < 6; step++) await page.getByRole('button', { name: 'Zoom in' }).click();
    await page.locator('[data-card] .call').first().waitFor();
    await page.locator('.edge-label', { hasText: '/s' }).first().waitFor();
  });
});
