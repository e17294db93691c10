import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import { constants as c, native } from './libc.ts';

/** nftables inside this process: no program to start for each change. */
export interface NftContext {
  /** Runs nft commands as one kernel transaction in the calling process' network namespace. Undefined when done, else what nft said. */
  run(commands: string): string | undefined;
  close(): void;
}

/** Opens libnftables, or answers undefined when the library is not on this machine. */
export function openNftables(): NftContext | undefined {
  const library = loadLibrary();
  if (!library) return undefined;
  const create = library.func('void* nft_ctx_new(uint32)');
  const free = library.func('void nft_ctx_free(void*)');
  const bufferError = library.func('int nft_ctx_buffer_error(void*)');
  const bufferOutput = library.func('int nft_ctx_buffer_output(void*)');
  const errorText = library.func('str nft_ctx_get_error_buffer(void*)');
  const run = library.func('int nft_run_cmd_from_buffer(void*, str)');
  const before = new Set(openDescriptors());
  const context: unknown = create(0);
  if (!context) return undefined;
  // The library opens its netlink socket inheritable; what this process starts must not get it.
  for (const fd of openDescriptors()) if (!before.has(fd)) native.ioctl(fd, c.FIOCLEX, null);
  bufferError(context);
  bufferOutput(context);
  return {
    run(commands) {
      if (Number(run(context, commands)) === 0) return undefined;
      return String(errorText(context) ?? 'nft gave no reason');
    },
    close() {
      free(context);
    },
  };
}

function openDescriptors(): readonly number[] {
  return readdirSync('/proc/self/fd').map(Number);
}

function loadLibrary(): ReturnType<typeof koffi.load> | undefined {
  try {
    return koffi.load('libnftables.so.1');
  } catch {
    return undefined;
  }
}
