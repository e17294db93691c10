import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { noBrowser, type RunningUi, startBrowser, startUi } from './browser.ts';
import { generateRecording } from './generate-flows.ts';

const root = path.resolve(import.meta.dirname, '../..');
const screenshots = path.join(root, 'test-results');
const startMs = Date.parse('2026-01-01T10:00:00Z');
const flows = 3_000;

describe('the page in a browser', { skip: noBrowser, timeout: 120_000 }, () => {
  let browser: Browser;
  let page: Page;
  let ui: RunningUi;
  let url: string;
  const folder = mkdtempSync(path.join(tmpdir(), 'ciliate-ui-'));
  const faults: string[] = [];

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    const file = path.join(folder, 'recording.jsonl');
    const lines = generateRecording({ seed: 1, flows, startMs, perSecond: 30 });
    writeFileSync(file, `${lines.join('\n')}\n`);
    ui = await startUi(['--from', file]);
    url = ui.url;
    browser = await startBrowser();
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme: 'light',
      timezoneId: 'UTC',
    });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
  });

  after(async () => {
    await browser?.close();
    await ui?.stop();
    rmSync(folder, { recursive: true });
  });

  const open = async (query = ''): Promise<void> => {
    await page.goto(`${url}${query}`);
    await page
      .getByRole('status')
      .filter({ hasText: `${flows.toLocaleString('en').slice(0, 3)}` })
      .waitFor();
  };
  const cards = (): Promise<string[]> =>
    page
      .locator('[data-card]')
      .evaluateAll((found) => found.map((each) => each.getAttribute('data-card') ?? '').sort());
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: path.join(screenshots, `${name}.png`) });

  test('the map shows every workload of the recording with its calls', async () => {
    await open();
    assert.deepEqual(await cards(), [
      '/api.bank.example',
      '/world',
      'bank/audit',
      'bank/ledger',
      'jobs/crawler',
      'kube-system/coredns',
      'monitoring/prometheus',
      'shop/cart',
      'shop/payments',
      'shop/redis',
      'shop/web',
    ]);
    assert.match(
      (await page.locator('[data-card="shop/cart"]').textContent()) ?? '',
      /8080.*GET \/cart\/\*.*POST \/cart/,
    );
    await picture('map-light');
  });

  test('a denial is told by words and dashes, not by colour alone', async () => {
    await open();
    const arrow = page.locator('.edge-group[data-edge^="jobs/crawler>shop/payments"]').first();
    assert.equal(await arrow.getAttribute('data-verdict'), 'dropped');
    const dashes = await arrow.locator('path.edge').evaluate((path) => getComputedStyle(path).strokeDasharray);
    assert.notEqual(dashes, 'none');
    await page.locator('.edge-label', { hasText: 'dropped' }).first().waitFor();
    assert.match((await page.locator('[data-card="bank/ledger"]').textContent()) ?? '', /✕ \d+ dropped/);
    await page.getByRole('button', { name: 'dropped', exact: true }).click();
    await page.locator('[role=row].dropped', { hasText: '✕ dropped' }).first().waitFor();
    assert.equal(await page.locator('[role=row].forwarded').count(), 0);
  });

  test('the filter of the address is the CLI’s and narrows map and table', async () => {
    await page.goto(`${url}?filter=${encodeURIComponent('--to-pod bank/ --verdict DROPPED')}`);
    await page.locator('[data-card="bank/ledger"]').waitFor();
    await page.waitForFunction(() => document.querySelector('[role=status]')?.textContent?.includes('flows'));
    assert.deepEqual(await cards(), ['bank/ledger', 'shop/payments']);
    assert.equal(await page.getByLabel('Filter').inputValue(), '--to-pod bank/ --verdict DROPPED');
  });

  test('a filter that is wrong says what is allowed', async () => {
    await open();
    await page.keyboard.press('/');
    await page.keyboard.type('--from-po web');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'unknown filter --from-po; allowed: --from-pod' }).waitFor();
    assert.match(page.url(), /filter=--from-po/);
    await picture('filter-fault');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('[data-card="shop/web"]').waitFor();
    assert.equal(await page.locator('#fault').textContent(), '');
  });

  test('several namespaces at once stay in the address', async () => {
    await open();
    await page.locator('.namespaces summary').click();
    await page.getByRole('checkbox', { name: 'jobs' }).check();
    await page.getByRole('checkbox', { name: 'monitoring' }).check();
    assert.match(page.url(), /namespaces=jobs,monitoring/);
    assert.deepEqual(await cards(), ['jobs/crawler', 'monitoring/prometheus', 'shop/payments', 'shop/web']);
    await page.reload();
    await page.locator('[data-card="jobs/crawler"]').waitFor();
    assert.equal((await cards()).includes('bank/audit'), false);
  });

  test('the panel explains a denied request with the policy that decided', async () => {
    await open('?verdict=dropped');
    await page.locator('[role=row]', { hasText: 'DELETE /accounts/*' }).first().click();
    const panel = page.getByRole('complementary', { name: 'Flow' });
    await panel.getByText('shop/payments asked bank/ledger for HTTP DELETE /accounts/* and it was denied.').waitFor();
    await panel.getByText('kubectl get ciliumnetworkpolicy -n bank ledger-only-reads -o yaml').waitFor();
    await panel.getByText('ciliate policy explain --from shop/payments').waitFor();
    await picture('panel-denied');
  });

  test('keys choose flows and cards, show the help and close the panel', async () => {
    await open();
    await page.keyboard.press('j');
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await page.keyboard.press('d');
    await page.waitForURL(/verdict=dropped/);
    await page.locator('[data-card="shop/cart"]').waitFor({ state: 'detached' });
    await page.keyboard.press('d');
    await page.locator('[data-card="shop/cart"]').waitFor();
    await page.locator('[data-card="shop/cart"]').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Deployment' }).getByText('Latency p99').waitFor();
    await picture('card-signals');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await picture('help');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('a card is hidden by the filter, with the flags of the CLI', async () => {
    await open();
    for (const card of ['monitoring/prometheus', '/world']) {
      await page.locator(`[data-card="${card}"]`).click();
      await page.getByRole('button', { name: 'Hide it' }).click();
      await page.locator(`[data-card="${card}"]`).waitFor({ state: 'detached' });
      await page.locator('[data-card="shop/web"]').waitFor();
    }
    assert.match(await page.getByLabel('Filter').inputValue(), /^--denylist '.*prometheus.*' --denylist '.*'$/);
    assert.equal((await cards()).includes('monitoring/prometheus'), false);
    await page.locator('[data-card="shop/redis"]').click();
    await page.getByRole('button', { name: 'Only its flows' }).click();
    await page.locator('[data-card="shop/web"]').waitFor({ state: 'detached' });
    await page.locator('[data-card="shop/redis"]').waitFor();
    assert.deepEqual(await cards(), ['shop/cart', 'shop/redis']);
  });

  test('the slider goes back in time, and cards stay where they are', async () => {
    await open();
    const place = (key: string): Promise<string | null> =>
      page.locator(`[data-card="${key}"]`).getAttribute('transform');
    const before = await place('shop/web');
    await page.getByLabel('Time').focus();
    const total = await page.locator('[role=grid]').getAttribute('aria-rowcount');
    await page.keyboard.press('PageDown');
    await page.keyboard.press('PageDown');
    await page.waitForFunction(
      (rows) => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) < Number(rows),
      total,
    );
    assert.equal(await place('shop/web'), before);
    await picture('slider');
  });

  test('the table only holds the rows in sight', async () => {
    await open();
    const rows = page.locator('.scroller [role=row]');
    assert.ok((await rows.count()) < 80, `${await rows.count()} rows exist`);
    await page.locator('.scroller').evaluate((box) => {
      box.scrollTop = 50_000;
    });
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.scroller [role=row]')].some(
        (row) => Number(row.getAttribute('aria-rowindex')) > 1_900,
      ),
    );
    assert.ok((await rows.count()) < 80, `${await rows.count()} rows exist`);
  });

  test('dark looks as it should and nothing was refused or thrown', async () => {
    await open();
    await page.keyboard.press('l');
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    await picture('map-dark');
    await page.keyboard.press('l');
    assert.deepEqual(faults, []);
  });
});
