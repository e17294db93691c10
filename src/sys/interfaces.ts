import koffi from 'koffi';

let indexToName: ((index: number, name: Buffer) => unknown) | undefined;

/** The interface with this index in the calling process' network namespace, undefined when it is gone. */
export function interfaceNameOf(index: number): string | undefined {
  indexToName ??= koffi.load('libc.so.6').func('void* if_indextoname(uint32, void*)');
  const name = Buffer.alloc(16);
  if (!indexToName(index, name)) return undefined;
  return name.toString('latin1', 0, name.indexOf(0));
}
