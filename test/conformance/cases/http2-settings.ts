import { cluster, simple } from '../config.ts';
import { get, http2, plays, post } from '../http2.ts';
import type { Case, Http2Step, Json, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const custom = (...settings: readonly (readonly [identifier: number, value: number])[]): Json => ({
  custom_settings_parameters: settings.map(([identifier, value]) => ({ identifier, value })),
});
const asks: Http2Step = { fields: get() };
const begin: Http2Step = { fields: post(), open: true };
/** A DATA frame of stream 1. */
const data = (bytes: number): Http2Step => ({
  raw: `${bytes.toString(16).padStart(6, '0')}000000000001${'78'.repeat(bytes)}`,
});

const KNOWN = { difference: 'http2-settings' } as const;
const GOAWAY = { difference: 'http2-goaway' } as const;

const variant = (name: string, options: Json, cases: readonly Case[]): Variant => ({
  name,
  manager: { http2_protocol_options: options, delayed_close_timeout: '0.05s' },
  cases,
});

const client: readonly Variant[] = [
  variant('of its own', custom([0x4000, 7]), [plays('a request', [asks])]),
  variant('several', custom([0xffff, 4_294_967_295], [0x4000, 0], [9, 1]), [plays('a request', [asks])]),
  variant('one twice', custom([0x4000, 7], [0x4000, 7]), [plays('a request', [asks])]),
  variant('the table', custom([1, 100]), [plays('two requests', [asks, asks], [], KNOWN)]),
  variant('no table', custom([1, 0]), [plays('two requests', [asks, asks], [], KNOWN)]),
  variant('push', custom([2, 0]), [plays('a request', [asks])]),
  variant('streams', custom([3, 1]), [
    plays('a request', [asks], [], KNOWN),
    plays(
      'two at once',
      [{ fields: get(), beside: true }, asks],
      [{ http2: [{ sleep: 100 }, { head: [[':status', '200']], end: true }] }],
      KNOWN,
    ),
  ]),
  variant('the window', custom([4, 65_535]), [plays('a request', [asks], [], KNOWN)]),
  variant('frames', custom([5, 20_000]), [
    plays('a request', [asks]),
    plays('as large', [begin, data(20_000), { data: 'x' }], [], { ...KNOWN, without: ['backends'] }),
    plays('larger', [begin, data(20_001), { sleep: 50 }], [], { ...GOAWAY, without: ['backends'] }),
  ]),
  variant('frames of the usual size', {}, [
    plays('as large', [begin, data(16_384), { data: 'x' }], [], { without: ['backends'] }),
    plays('larger', [begin, data(16_385), { sleep: 50 }], [], { ...GOAWAY, without: ['backends'] }),
  ]),
  variant('heads', custom([6, 1000]), [
    plays('a request', [asks]),
    plays('a larger one', [{ fields: get('/', [['a', 'x'.repeat(2000)]]) }]),
  ]),
];

/** Refused by us alone. */
const impossible: Readonly<Record<string, Json>> = {
  'push is more': custom([2, 2]),
  'a frame size that is too small': custom([5, 100]),
  'a window that is too large': custom([4, 2 ** 31]),
};

const refused: Readonly<Record<string, Json>> = {
  none: custom(),
  'no identifier': { custom_settings_parameters: [{ value: 1 }] },
  'no value': { custom_settings_parameters: [{ identifier: 10 }] },
  'identifier 0': custom([0, 1]),
  'identifier 65536': custom([65_536, 1]),
  'two values': custom([10, 1], [10, 2]),
  'push is on': custom([2, 1]),
  'extended CONNECT': custom([8, 0]),
  'the table, twice': { ...custom([1, 4096]), hpack_table_size: 4096 },
  'streams, twice': { ...custom([3, 10]), max_concurrent_streams: 10 },
  'the window, twice': { ...custom([4, 65_535]), initial_stream_window_size: 65_535 },
};

const host = (options: Json, name: string, more: Partial<Case> = {}): Scenario => ({
  feature: 'HTTP/2',
  name: `settings for hosts: ${name}`,
  backends: ['http2'],
  bootstrap: (places) => simple(places, { clusters: [{ ...cluster(places, 0), ...http2(options) }] }),
  cases: [plays('a request', [asks], [], more)],
});

const validated = (name: string, options: Json, cases: readonly Case[] = []): Scenario => ({
  feature: 'HTTP/2',
  name: `settings refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) => simple(places, { manager: { http2_protocol_options: options } }),
  cases,
});

export const scenarios: readonly Scenario[] = [
  variants('HTTP/2', 'settings', client, {
    backends: ['http2'],
    clusters: (places) => [{ ...cluster(places, 0), ...http2() }],
  }),
  host(custom([0x4000, 7]), 'of its own'),
  host(custom([3, 7], [6, 9999]), 'known ones', KNOWN),
  ...Object.entries(refused).map(([name, options]) => validated(name, options)),
  ...Object.entries(impossible).map(([name, options]) => validated(name, options, [{ name: 'start', ...KNOWN }])),
];
