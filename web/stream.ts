import type { Flow } from './model/flow.ts';

export interface Source {
  readonly kind: 'live' | 'recording';
  readonly name: string;
}

export async function readSource(): Promise<Source | undefined> {
  try {
    const response = await fetch('api/source');
    return response.ok ? ((await response.json()) as Source) : undefined;
  } catch {
    return undefined;
  }
}

/** The namespaces that Hubble knows; none when it cannot be asked. */
export async function readNamespaces(): Promise<readonly string[]> {
  try {
    const response = await fetch('api/namespaces');
    return response.ok ? ((await response.json()) as string[]) : [];
  } catch {
    return [];
  }
}

export interface StreamListener {
  readonly flows: (flows: readonly Flow[]) => void;
  readonly opened: () => void;
  readonly lost: (lost: { readonly browser: number; readonly server: number }) => void;
  readonly fault: (message: string, retries: boolean) => void;
  /** The stream begins again with flows that may have come before. */
  readonly restarted: () => void;
  readonly ended: () => void;
}

export interface FlowStream {
  readonly close: () => void;
}

const retryMs = 2_000;
/** Flows whose JSON is read without a break. */
const linesAtOnce = 500;

/** Opens the server's stream of flows for a filter, and again when the server was away. Tells nothing before `source` is known. */
export function openStream(filter: string, source: Promise<Source | undefined>, listener: StreamListener): FlowStream {
  let events: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAgain = false;
  const leave = (): void => {
    events?.close();
    events = undefined;
  };
  const again = (): void => {
    leave();
    timer = setTimeout(open, retryMs);
  };
  const open = (): void => {
    const opened = new EventSource(`api/flows?filter=${encodeURIComponent(filter)}`);
    events = opened;
    let heard: Promise<Source | undefined> = source;
    const on = (name: string, hear: (data: string, source: Source | undefined) => unknown): void =>
      opened.addEventListener(name, (event) => {
        heard = heard.then(async (known) => {
          if (events !== opened) return known;
          try {
            await hear((event as MessageEvent<string>).data, known);
          } catch {
            // What cannot be read must not silence all that comes after it.
            listener.fault('what ciliate ui says cannot be read', true);
            again();
          }
          return known;
        });
      });
    let isTold = false;
    const first = (): void => {
      if (isTold) return;
      isTold = true;
      if (isAgain) listener.restarted();
      isAgain = true;
      listener.opened();
    };
    on('open', () => {
      if (!isAgain) first();
    });
    on('flows', async (data) => {
      first();
      const flows = await readLines(data);
      if (events === opened) listener.flows(flows);
    });
    on('lost', (data) => listener.lost(JSON.parse(data)));
    on('fault', (data) => {
      const { message, retry } = JSON.parse(data) as { message: string; retry: boolean };
      listener.fault(message, retry);
      if (retry) again();
      else leave();
    });
    on('end', (_, known) => {
      // A live stream ends where its server does, and that may come back.
      if (known?.kind !== 'recording') return again();
      leave();
      listener.ended();
    });
    on('error', () => {
      listener.fault('ciliate ui does not answer', true);
      again();
    });
  };
  open();
  return {
    close() {
      clearTimeout(timer);
      leave();
    },
  };
}

async function readLines(text: string): Promise<Flow[]> {
  const flows: Flow[] = [];
  for (const line of text.split('\n')) {
    if (flows.length > 0 && flows.length % linesAtOnce === 0) await breath();
    flows.push(JSON.parse(line) as Flow);
  }
  return flows;
}

/** Lets frames be drawn and keys be heard; not in a page that nobody sees, whose timers are slow. */
function breath(): Promise<void> {
  return document.hidden ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve));
}
