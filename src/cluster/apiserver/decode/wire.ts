import { DecodeError } from './json.ts';

/** Reads the protobuf wire format; every read checks its bounds and throws `DecodeError`. */
export interface Reader {
  done(): boolean;
  tag(): { readonly field: number; readonly wire: number };
  /** A signed 64-bit varint as a number; beyond 2^53 it loses precision. */
  varint(): number;
  double(): number;
  bytes(): Buffer;
  skip(wire: number): void;
}

const MALFORMED = 'malformed protobuf message';

export function createReader(buffer: Buffer): Reader {
  let offset = 0;
  const unsigned = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[offset++];
      if (byte === undefined) throw new DecodeError(MALFORMED);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new DecodeError(MALFORMED);
  };
  const take = (length: number): Buffer => {
    if (length > buffer.length - offset) throw new DecodeError(MALFORMED);
    offset += length;
    return buffer.subarray(offset - length, offset);
  };
  return {
    done: () => offset >= buffer.length,
    tag() {
      const value = Number(unsigned());
      return { field: Math.floor(value / 8), wire: value % 8 };
    },
    varint: () => Number(BigInt.asIntN(64, unsigned())),
    double: () => take(8).readDoubleLE(0),
    bytes: () => take(Number(unsigned())),
    skip(wire) {
      if (wire === 0) unsigned();
      else if (wire === 1) take(8);
      else if (wire === 2) take(Number(unsigned()));
      else if (wire === 5) take(4);
      else throw new DecodeError(MALFORMED);
    },
  };
}
