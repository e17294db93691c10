import type { Card } from '../model/aggregate.ts';
import { cardHeight, cardWidth, columnGap, headerHeight, type Place, rowHeight } from '../model/layout.ts';
import { formatRate, perSecond, series, sumOver } from '../model/rates.ts';
import { charactersIn, type Detail } from '../model/regions.ts';
import { fitRows, type Row, rowsOf } from '../model/rows.ts';
import { sparkPath } from '../model/spark.ts';

interface CardProps {
  readonly card: Card;
  readonly place: Place;
  readonly nowMs: number;
  readonly detail: Detail;
  /** Pixels of a unit of the map. */
  readonly scale: number;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

const sparkWidth = 60;
const sparkHeight = 19;

export function CardView(props: CardProps) {
  const { card, place, nowMs, detail, isSelected, onSelect } = props;
  const { party } = card;
  const drops = sumOver(card.signals.drops, nowMs, 60);
  const state = drops > 0 ? `, ${drops} dropped in the last minute` : '';
  const name = party.namespace === '' ? party.title : `${party.namespace}/${party.title}`;
  const classes = ['card', isSelected && 'selected', party.namespace === '' && 'outside', drops > 0 && 'dropping'];
  return (
    <g
      class={classes.filter(Boolean).join(' ')}
      transform={`translate(${place.x},${place.y})`}
      role="button"
      tabindex={0}
      aria-label={`${name}, ${party.kind}${state}`}
      data-card={card.key}
      onClick={onSelect}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onSelect();
      }}
    >
      <title>{`${name} (${party.kind})`}</title>
      {detail === 'full' ? <FullCard {...props} drops={drops} /> : <NamedCard {...props} drops={drops} />}
    </g>
  );
}

type InsideProps = CardProps & { readonly drops: number };

/** Units between a card and the name of the one to its right. */
const nameGap = 16;

/** A card on a small map: its name, as long as there is room up to the next column, and whether something was dropped. */
function NamedCard({ card, place, scale, drops }: InsideProps) {
  const rows = Math.min(rowsOf(card).length, place.rows);
  const title = `${drops > 0 ? '✕ ' : ''}${card.party.title}`;
  return (
    <>
      <rect class="body" width={cardWidth} height={cardHeight(rows)} rx={8} />
      <text class="name" x={8} y={6}>
        {cut(title, charactersIn(cardWidth + columnGap - nameGap, scale))}
      </text>
    </>
  );
}

function FullCard({ card, place, nowMs, drops }: InsideProps) {
  const { party, signals } = card;
  const { fitting, more } = fitRows(rowsOf(card), place.rows);
  const main = signals.requests.latest > 0 ? signals.requests : signals.flows;
  const errors = sumOver(signals.errors, nowMs, 60);
  return (
    <>
      <rect class="body" width={cardWidth} height={cardHeight(fitting.length + (more > 0 ? 1 : 0))} rx={8} />
      <text class="title" x={12} y={20}>
        {cut(party.title, 19)}
      </text>
      <text class="caption" x={12} y={36}>
        {cut(party.kind, 26)}
      </text>
      {drops > 0 && (
        <text class="alarm" x={cardWidth - 12} y={38} text-anchor="end">
          ✕ {drops} dropped
        </text>
      )}
      {drops === 0 && errors > 0 && (
        <text class="alarm" x={cardWidth - 12} y={38} text-anchor="end">
          ! {errors} errors
        </text>
      )}
      <path
        class="spark"
        transform={`translate(${cardWidth - sparkWidth - 12},4)`}
        d={sparkPath(series(main, nowMs), sparkWidth, sparkHeight)}
      />
      {fitting.map((row, index) => (
        <RowView key={rowKey(row)} row={row} y={headerHeight + index * rowHeight} nowMs={nowMs} />
      ))}
      {more > 0 && (
        <text class="more" x={12} y={headerHeight + fitting.length * rowHeight + 14}>
          and {more} more
        </text>
      )}
    </>
  );
}

function rowKey(row: Row): string {
  return row.kind === 'port' ? row.accessPoint.key : `${row.accessPoint.key} ${row.call.key}`;
}

function RowView({ row, y, nowMs }: { readonly row: Row; readonly y: number; readonly nowMs: number }) {
  if (row.kind === 'port') {
    const { protocol, port } = row.accessPoint;
    return (
      <g class="port" transform={`translate(0,${y})`}>
        <rect class="band" x={0.5} width={cardWidth - 1} height={rowHeight} />
        <text x={12} y={14}>
          {port === 0 ? protocol : `${port}`}
        </text>
        {port !== 0 && (
          <text class="protocol" x={cardWidth - 12} y={14} text-anchor="end">
            {protocol}
          </text>
        )}
      </g>
    );
  }
  const { call } = row;
  const rate = formatRate(perSecond(call.requests, nowMs));
  const mark = call.denied > 0 ? '✕ ' : call.errors > 0 ? '! ' : '';
  const label = `${call.method} ${call.target}`;
  return (
    <g class={`call ${call.denied > 0 ? 'denied' : call.errors > 0 ? 'failing' : ''}`} transform={`translate(0,${y})`}>
      <title>{`${label}: ${call.total} requests, ${call.denied} denied, ${call.errors} errors`}</title>
      <text x={22} y={14}>
        {mark}
        {cut(label, rate === '' ? 29 : 23)}
      </text>
      <text class="rate" x={cardWidth - 12} y={14} text-anchor="end">
        {rate}
      </text>
    </g>
  );
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
