import type { Filters } from '../../../hubble/index.ts';
import type { GetFlowsResponse } from '../../../model/flow/index.ts';
import { readInputFile } from './input-file.ts';

const everything = { number: 0, first: false, follow: false, since: undefined, until: undefined };

/** Every response of a recording (`hubble observe -o jsonpb`) that passes the filters, in the order of the file. */
export function readRecording(
  file: string,
  filters: Filters,
  warn: (text: string) => void,
): AsyncGenerator<GetFlowsResponse> {
  return readInputFile(file, filters, everything, warn);
}
