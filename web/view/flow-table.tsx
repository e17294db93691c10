import { useEffect, useRef, useState } from 'preact/hooks';
import { formatMs } from '../model/explain.ts';
import type { ShownFlow } from '../model/flow.ts';
import type { Store } from '../store.ts';
import { VerdictMark } from './verdict.tsx';

const rowPixels = 26;
const spareRows = 8;
/** Rows whose elements are used again: a new flow takes those of one that has left the sight. At least the rows in sight. */
const pooledRows = 128;

/** The newest flows first. Only the rows in sight exist; scrolled down, the list stands still while flows arrive. */
export function FlowTable({ store }: { readonly store: Store }) {
  const { shown, selectedFlow } = store.state;
  const scroller = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 300 });
  /** Number of the flow at the top while the list stands still. */
  const [heldEnd, setHeldEnd] = useState<number | undefined>(undefined);
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const measure = (): void => setScroll({ top: box.scrollTop, height: box.clientHeight });
    const resized = new ResizeObserver(measure);
    resized.observe(box);
    return () => resized.disconnect();
  }, []);
  useEffect(() => setHeldEnd(undefined), [shown]);
  const end = Math.min(heldEnd ?? shown.end(), shown.end());
  const rows = Math.max(0, end - shown.first());
  const newer = shown.end() - end;
  const firstRow = Math.max(0, Math.floor(scroll.top / rowPixels) - spareRows);
  const lastRow = Math.min(
    rows,
    Math.ceil((scroll.top + scroll.height) / rowPixels) + spareRows,
    firstRow + pooledRows,
  );
  const visible: { readonly row: number; readonly number: number; readonly flow: ShownFlow }[] = [];
  for (let row = firstRow; row < lastRow; row++) {
    const flow = shown.get(end - 1 - row);
    if (flow) visible.push({ row, number: end - 1 - row, flow });
  }
  const toTop = (): void => {
    setHeldEnd(undefined);
    if (scroller.current) scroller.current.scrollTop = 0;
  };
  return (
    <section class="flows" aria-label="Flows">
      <div class="table" role="grid" aria-label="Flows" aria-rowcount={rows + 1}>
        <div
          ref={scroller}
          class="scroller"
          onScroll={(event) => {
            const { scrollTop, clientHeight } = event.currentTarget;
            setScroll({ top: scrollTop, height: clientHeight });
            if (scrollTop === 0) setHeldEnd(undefined);
            else if (heldEnd === undefined) setHeldEnd(end);
          }}
        >
          <div class="row head" role="row" aria-rowindex={1}>
            {['Time', 'From', 'To', 'Port', 'What', 'Verdict'].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
          </div>
          <div class="spacer" style={{ height: `${rows * rowPixels}px` }} />
          {visible.map(({ row, number, flow }) => (
            <FlowRow
              key={number % pooledRows}
              flow={flow}
              row={row}
              isSelected={flow === selectedFlow}
              onSelect={() => store.select({ flow })}
            />
          ))}
        </div>
      </div>
      {newer > 0 && (
        <button type="button" class="newer" onClick={toTop}>
          ↑ {newer.toLocaleString('en')} newer flows
        </button>
      )}
    </section>
  );
}

interface FlowRowProps {
  readonly flow: ShownFlow;
  readonly row: number;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

function FlowRow({ flow: shown, row, isSelected, onSelect }: FlowRowProps) {
  const { flow, verdict, isReply, client, server, port, protocol } = shown;
  const [from, to] = isReply ? [server, client] : [client, server];
  return (
    <div
      class={`row ${verdict} ${isSelected ? 'selected' : ''}`}
      role="row"
      aria-rowindex={row + 2}
      aria-selected={isSelected}
      tabIndex={0}
      style={{ top: `${(row + 1) * rowPixels}px` }}
      onClick={onSelect}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        onSelect();
      }}
    >
      <Cell text={clockOf(shown.timeMs)} />
      <Cell text={endpointText(flow.source?.pod_name, from)} />
      <Cell text={endpointText(flow.destination?.pod_name, to)} />
      <Cell text={port === 0 ? protocol : `${port}/${protocol}`} />
      <Cell text={whatOf(shown)} />
      <span role="gridcell">
        <VerdictMark verdict={verdict} />
      </span>
    </div>
  );
}

function Cell({ text }: { readonly text: string }) {
  return (
    <span role="gridcell" title={text}>
      {text}
    </span>
  );
}

function endpointText(pod: string | undefined, party: ShownFlow['client']): string {
  return party.namespace === '' ? party.title : `${party.namespace}/${pod ?? party.title}`;
}

function whatOf({ call, flow, isReply }: ShownFlow): string {
  if (!call) return `${isReply ? '↩ ' : ''}${flow.Summary ?? flow.Type ?? ''}`;
  const took = call.latencyMs === undefined ? '' : ` in ${formatMs(call.latencyMs)}`;
  if (call.protocol === 'http') {
    return call.isResponse ? `↩ ${call.code} ${call.method} ${call.target}${took}` : `${call.method} ${call.target}`;
  }
  const answer = flow.l7?.dns?.ips?.join(', ') ?? '';
  return call.isResponse ? `↩ DNS ${call.target} ${answer}${took}` : `DNS ${call.target} ${call.method}`;
}

function clockOf(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
