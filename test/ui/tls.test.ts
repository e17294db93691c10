import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { server } from '../../src/proxy/testing/certificates.ts';
import { routes, runProxy, startBackend, staticCluster } from '../../src/proxy/testing/harness.ts';
import { pair, tlsListener } from '../../src/proxy/testing/tls.ts';
import { noBrowser, startBrowser } from './browser.ts';

const IMAGES = 20;
const images = Array.from({ length: IMAGES }, (_, index) => `<img src="/${index}.svg">`).join('');
const svg = `<svg xmlns="http://www.w3.org/2000/svg"><!--${'x'.repeat(100_000)}--></svg>`;
const answer = (type: string, body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('a browser through ciliate-proxy', { skip: noBrowser, timeout: 120_000 }, () => {
  for (const protocol of ['h2', 'http/1.1'])
    test(`gets a page with all that is on it by ${protocol}, as the handshake agrees`, async () => {
      const backend = await startBackend((head) =>
        head.startsWith('GET / ') ? answer('text/html', `<h1>hello</h1>${images}`) : answer('image/svg+xml', svg),
      );
      const context = { common_tls_context: { tls_certificates: [pair(server)], alpn_protocols: [protocol] } };
      const manager = routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }]);
      const proxy = await runProxy(tlsListener(context, manager), [staticCluster('c', [backend.port])]);
      const browser = await startBrowser();
      try {
        const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
        const response = await page.goto(`https://127.0.0.1:${proxy.port}/`, { waitUntil: 'load' });
        assert.equal(response?.status(), 200);
        assert.equal(await page.locator('h1').textContent(), 'hello');
        const spoken = await page.evaluate(() =>
          [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(
            (entry) => (entry as PerformanceResourceTiming).nextHopProtocol,
          ),
        );
        assert.equal(spoken.filter((one) => one === protocol).length, spoken.length, spoken.join());
        assert.ok(spoken.length > IMAGES, `${spoken.length} entries`);
      } finally {
        await browser.close();
        await proxy.stop(0);
        await backend.close();
      }
    });
});
