import type { Case, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';
/** HEADERS of a GET of `/` of `a`, which end stream 1. */
const GET = '\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a';

/** What a client begins its connection with. Bytes that come back are compared by how the connection ends and what is logged where HTTP/2 is spoken. */
const begins = (name: string, ...steps: readonly Step[]): Case => ({
  name,
  tcp: true,
  steps: [...steps, { sleep: 150 }],
});
const malformed = (name: string, ...steps: readonly Step[]): Case => ({
  ...begins(name, ...steps),
  difference: 'http2-goaway',
});
const send = (text: string): Step => ({ send: text });

const variant = (codec: string, cases: readonly Case[]): Variant => ({
  name: codec,
  manager: { codec_type: codec, delayed_close_timeout: '0.05s' },
  routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
  cases,
});

export const scenarios: readonly Scenario[] = [
  variants(
    'HTTP/2',
    'preface',
    [
      variant('HTTP2', [
        malformed('another', send('INVALID CONNECTION PREFACE\r\n\r\n')),
        malformed('HTTP/1.1', send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')),
        malformed('wrong at its end', send(`${PREFACE.slice(0, -1)}x${SETTINGS}`)),
        malformed('wrong after a pause', send('PRI * HTTP/2.0'), { sleep: 30 }, send('\r\n\r\nXX\r\n\r\n')),
        malformed('none', send(SETTINGS)),
        malformed('without SETTINGS', send(`${PREFACE}${GET}`)),
        malformed('no SETTINGS but their answer', send(`${PREFACE}\0\0\0\x04\x01\0\0\0\0`)),
      ]),
      variant('AUTO', [
        begins('another', send('INVALID CONNECTION PREFACE\r\n\r\n')),
        malformed('wrong at its end', send(`${PREFACE.slice(0, -1)}x${SETTINGS}`)),
        malformed('wrong after a pause', send('PRI * HTTP/2.0'), { sleep: 30 }, send('\r\n\r\nXX\r\n\r\n')),
        begins('HTTP/1 that begins like it', send('PRI * HTTP/1.1\r\nhost: a\r\n\r\n')),
        begins('nothing', send('')),
        malformed('without SETTINGS', send(`${PREFACE}${GET}`)),
      ]),
    ],
    { backends: [], clusters: () => [], stats: [/^http\.in\.downstream_cx_(protocol_error|http[12]_total)$/] },
  ),
];
