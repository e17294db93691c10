import type { Fields } from '../config/fields.ts';
import { FRAME_SIZE, LARGEST_FRAME_SIZE, LARGEST_WINDOW, SETTING } from './frame.ts';

/** One parameter of a SETTINGS frame. */
export type Setting = readonly [identifier: number, value: number];

/** Fields of their own for what a parameter may say too: one of both. */
const NAMED: ReadonlyMap<number, string> = new Map([
  [SETTING.HEADER_TABLE_SIZE, 'hpack_table_size'],
  [SETTING.MAX_CONCURRENT_STREAMS, 'max_concurrent_streams'],
  [SETTING.INITIAL_WINDOW_SIZE, 'initial_stream_window_size'],
]);

/** Values that RFC 9113, 6.5.2, allows where it does not allow all of 32 bits. */
const RANGES: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [SETTING.ENABLE_PUSH, [0, 0]],
  [SETTING.INITIAL_WINDOW_SIZE, [0, LARGEST_WINDOW]],
  [SETTING.MAX_FRAME_SIZE, [FRAME_SIZE, LARGEST_FRAME_SIZE]],
]);

/** Reads `custom_settings_parameters` of an `envoy.config.core.v3.Http2ProtocolOptions`: each identifier once. */
export function readCustomSettings(fields: Fields): readonly Setting[] {
  const settings = new Map<number, number>();
  fields.list('custom_settings_parameters', (inner) => {
    const identifier = inner.number('identifier');
    const value = inner.number('value');
    if (identifier === undefined || !(identifier >= 0 && identifier <= 0xffff))
      inner.problem('identifier', `found ${identifier ?? 'none'}`, 'a number from 0 to 65535');
    else if (value === undefined) inner.problem('value', 'found none', 'a number');
    else {
      const fault = faultOf(fields, identifier, value, settings.get(identifier));
      if (fault !== undefined) inner.problem('', fault);
      settings.set(identifier, value);
    }
  });
  return [...settings];
}

function faultOf(fields: Fields, identifier: number, value: number, before: number | undefined): string | undefined {
  if (identifier === SETTING.ENABLE_CONNECT_PROTOCOL) return 'extended CONNECT is the field allow_connect alone';
  const named = NAMED.get(identifier);
  if (named !== undefined && fields.has(named)) return `${named} says the same: give one of both`;
  if (before !== undefined && before !== value) return `identifier ${identifier} has both ${before} and ${value}`;
  const [least, most] = RANGES.get(identifier) ?? [0, 0xffff_ffff];
  if (value >= least && value <= most) return undefined;
  return `found ${value} for identifier ${identifier}: allowed is ${least === most ? least : `${least} to ${most}`}`;
}
