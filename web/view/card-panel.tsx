import type { AccessPoint, CallRow, Card } from '../model/aggregate.ts';
import { formatMs } from '../model/explain.ts';
import { filterOf, filterWithout } from '../model/filters.ts';
import { type Latencies, latencySeries, latencyWithin } from '../model/latencies.ts';
import { rememberedSeconds, series, sumOver } from '../model/rates.ts';
import { sparkPath } from '../model/spark.ts';
import type { Store } from '../store.ts';

export function CardPanel({ store, card }: { readonly store: Store; readonly card: Card }) {
  const { party } = card;
  const nowMs = store.nowMs();
  const filter = filterOf(party);
  const hide = (): void => {
    store.select({});
    store.changeUrl({ filter: `${store.state.url.filter} ${filterWithout(party)}`.trim() });
  };
  return (
    <>
      <p class="sentence">{party.namespace === '' ? party.title : `${party.namespace}/${party.title}`}</p>
      <Signals card={card} nowMs={nowMs} />
      {card.accessPoints.size > 0 && <h3>Serves</h3>}
      {[...card.accessPoints.values()].map((accessPoint) => (
        <AccessPointView key={accessPoint.key} accessPoint={accessPoint} />
      ))}
      {filter !== undefined && (
        <p class="actions">
          <button type="button" onClick={() => store.changeUrl({ filter })}>
            Only its flows
          </button>
          <button type="button" onClick={hide}>
            Hide it
          </button>
        </p>
      )}
      <h3>Labels</h3>
      <ul class="labels">
        {card.labels.map((label) => (
          <li key={label}>{label}</li>
        ))}
      </ul>
    </>
  );
}

function Signals({ card: { signals }, nowMs }: { readonly card: Card; readonly nowMs: number }) {
  const width = rememberedSeconds;
  const requests = sumOver(signals.requests, nowMs, width);
  const responses = sumOver(signals.responses, nowMs, width);
  const errors = sumOver(signals.errors, nowMs, width);
  const flows = sumOver(signals.flows, nowMs, width);
  const drops = sumOver(signals.drops, nowMs, width);
  return (
    <div class="signals">
      {requests > 0 ? (
        <Plot name="Requests" value={`${(requests / width).toFixed(1)}/s`} values={series(signals.requests, nowMs)} />
      ) : (
        <Plot name="Flows" value={`${(flows / width).toFixed(1)}/s`} values={series(signals.flows, nowMs)} />
      )}
      <Plot
        name="Errors"
        value={responses > 0 ? `${((100 * errors) / responses).toFixed(1)} %` : 'none'}
        values={series(signals.errors, nowMs)}
        isBad={errors > 0}
      />
      {latencyShares.map(([name, share]) => (
        <LatencyPlot key={name} name={name} share={share} latencies={signals.latencies} nowMs={nowMs} />
      ))}
      <Plot name="Dropped" value={`${drops}`} values={series(signals.drops, nowMs)} isBad={drops > 0} />
    </div>
  );
}

const latencyShares = [
  ['Latency p50', 0.5],
  ['Latency p90', 0.9],
  ['Latency p99', 0.99],
] as const;

interface LatencyPlotProps {
  readonly name: string;
  /** Of the answers, how many came within what is shown. */
  readonly share: number;
  readonly latencies: Latencies | undefined;
  readonly nowMs: number;
}

function LatencyPlot({ name, share, latencies, nowMs }: LatencyPlotProps) {
  const within = latencies && latencyWithin(latencies, nowMs, share);
  if (!latencies || within === undefined) return <Plot name={name} value="unknown" values={[]} />;
  return <Plot name={name} value={formatMs(within)} values={latencySeries(latencies, nowMs, share)} />;
}

interface PlotProps {
  readonly name: string;
  readonly value: string;
  /** At equal distances over the last minute; undefined where there were no answers. */
  readonly values: readonly (number | undefined)[];
  readonly isBad?: boolean;
}

function Plot({ name, value, values, isBad = false }: PlotProps) {
  const silent = values.filter((each) => each === undefined).length;
  const gaps =
    silent > 0 ? `, no answers in ${Math.round((silent / values.length) * rememberedSeconds)} of its seconds` : '';
  return (
    <figure class={isBad ? 'plot bad' : 'plot'}>
      <figcaption>
        {name} <b>{value}</b>
      </figcaption>
      <svg viewBox="0 0 140 36" role="img" aria-label={`${name} over the last minute${gaps}, now ${value}`}>
        <path class="axis" d="M0,35.5H140" />
        <path class="spark" d={sparkPath(values, 140, 36)} />
      </svg>
    </figure>
  );
}

function AccessPointView({ accessPoint }: { readonly accessPoint: AccessPoint }) {
  const { port, protocol, rows, otherCalls } = accessPoint;
  return (
    <section class="access-point">
      <h4>{port === 0 ? protocol : `${port}/${protocol}`}</h4>
      {rows.size > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Call</th>
              <th scope="col">Count</th>
              <th scope="col">Denied</th>
              <th scope="col">Errors</th>
              <th scope="col">Latency</th>
            </tr>
          </thead>
          <tbody>
            {[...rows.values()].map((row) => (
              <CallLine key={row.key} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {otherCalls > 0 && <p>and {otherCalls} other calls</p>}
    </section>
  );
}

function CallLine({ row }: { readonly row: CallRow }) {
  return (
    <tr>
      <th scope="row">
        {row.method} {row.target}
      </th>
      <td>{row.total}</td>
      <td class={row.denied > 0 ? 'bad' : ''}>{row.denied > 0 ? `✕ ${row.denied}` : 0}</td>
      <td class={row.errors > 0 ? 'bad' : ''}>{row.errors > 0 ? `! ${row.errors}` : 0}</td>
      <td>{row.responses > 0 ? formatMs(row.latencySumMs / row.responses) : ''}</td>
    </tr>
  );
}
