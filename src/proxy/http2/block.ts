import { FAULT, type Fault } from './fault.ts';
import type { FieldName, FieldSink } from './hpack/decoder.ts';
import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** RFC 9113, 6.5.2: what a field counts for beside its name and value. */
const OVERHEAD = 32;

/** The fields of the header block that was read last; one block is read at a time. */
export class FieldBlock implements FieldSink {
  readonly names: FieldName[] = [];
  readonly values: string[] = [];
  readonly valid: boolean[] = [];
  count = 0;
  /** Bytes of names and values. */
  size = 0;

  begin(): void {
    this.count = 0;
    this.size = 0;
  }

  field(name: FieldName, value: string, valid: boolean): void {
    const at = this.count++;
    this.size += name.text.length + value.length;
    this.names[at] = name;
    this.values[at] = value;
    this.valid[at] = valid;
  }

  /** What is wrong with it where it is more than a head may be, which is counted; its size is that of `SETTINGS_MAX_HEADER_LIST_SIZE`. */
  tooLarge({ maxHeadBytes, maxHeaders }: Http2Options, stats: Http2Stats): Fault | undefined {
    if (this.size + OVERHEAD * this.count > maxHeadBytes) {
      stats.listTooLarge++;
      return FAULT.FIELDS_SIZE;
    }
    if (this.count <= maxHeaders) return undefined;
    stats.headerOverflow++;
    return FAULT.FIELDS;
  }
}
