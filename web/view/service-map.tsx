import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { askedGroup, askingGroup, extent, type Layout, type Plate } from '../model/layout.ts';
import { type Sight, sightKey } from '../model/regions.ts';
import type { Store } from '../store.ts';
import { EdgeLabels, EdgeLines } from './edges.tsx';
import { Drawn, RegionCards, useDrawings } from './region.tsx';
import { useViewport } from './viewport.ts';

/** Before the first fit: too small for anything but names, as those are drawn fastest. */
const nothingSeen: Sight = { scale: 0, box: { x: 0, y: 0, width: 0, height: 0 } };

export function ServiceMapView({ store }: { readonly store: Store }) {
  const { layout, map } = store.state;
  const svg = useRef<SVGSVGElement>(null);
  const [sight, setSight] = useState<Sight>(nothingSeen);
  const viewport = useViewport(svg, (next) => setSight((last) => (sightKey(last) === sightKey(next) ? last : next)));
  const box = extent(layout);
  // Before the frame is drawn, so that what is new is laid out once, in its size.
  useLayoutEffect(() => viewport.show(box), [box.width, box.height]);
  const drawings = useDrawings(store, sight);
  return (
    <section class="map" aria-label="Service map">
      <svg
        ref={svg}
        role="group"
        aria-label="Workloads and the flows between them"
        tabindex={0}
        onKeyDown={viewport.press}
      >
        <Markers />
        <g class="world">
          <Drawn of={layout} draw={() => <Plates layout={layout} />} />
          <g>
            {drawings.map((drawing) => (
              <Drawn key={drawing.region.key} of={drawing} draw={() => <EdgeLines drawn={drawing.edges} />} />
            ))}
          </g>
          <g>
            {drawings.map((drawing) => (
              <Drawn
                key={drawing.region.key}
                of={drawing}
                draw={() => <RegionCards drawing={drawing} store={store} />}
              />
            ))}
          </g>
          <g class="edge-labels">
            {drawings.map((drawing) => (
              <Drawn key={drawing.region.key} of={drawing} draw={() => <EdgeLabels drawn={drawing.labelled} />} />
            ))}
          </g>
        </g>
      </svg>
      {map.cards.size === 0 && <EmptyMap store={store} />}
      <div class="zoom" role="toolbar" aria-label="Map">
        <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => viewport.zoom(1.25)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => viewport.zoom(0.8)}>
          −
        </button>
        <button type="button" title="Show everything (0)" onClick={() => viewport.fit()}>
          Fit
        </button>
        <button type="button" title="Arrange again (t)" onClick={() => store.tidy()}>
          Tidy
        </button>
      </div>
      {map.omitted > 0 && <p class="omitted">{map.omitted} flows of further workloads are only in the table</p>}
    </section>
  );
}

const outsideTitles: Readonly<Record<string, string>> = { [askingGroup]: 'nodes and outside', [askedGroup]: 'outside' };

function Plates({ layout: { plates } }: { readonly layout: Layout }) {
  return (
    <g>
      {plates.map((plate) => (
        <PlateView key={`${plate.group} ${plate.y}`} plate={plate} />
      ))}
    </g>
  );
}

function PlateView({ plate: { group, x, y, width, height } }: { readonly plate: Plate }) {
  const outside = outsideTitles[group];
  return (
    <g class={outside === undefined ? 'plate' : 'plate outside'}>
      <rect x={x} y={y} width={width} height={height} rx={12} />
      <text x={x + 18} y={y + 28}>
        {outside ?? group}
      </text>
    </g>
  );
}

function Markers() {
  return (
    <defs>
      {['forwarded', 'dropped', 'mixed', 'audited', 'error'].map((verdict) => (
        <marker
          key={verdict}
          id={`arrow-${verdict}`}
          class={`arrow ${verdict}`}
          viewBox="0 0 10 10"
          refX="9"
          refY="5"
          markerWidth="9"
          markerHeight="9"
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0,0 L10,5 L0,10 z" />
        </marker>
      ))}
    </defs>
  );
}

function EmptyMap({ store: { state } }: { readonly store: Store }) {
  const narrowed = state.url.filter !== '' || state.url.namespaces.length > 0 || state.url.verdicts.length > 0;
  const text =
    state.fault !== undefined
      ? 'Nothing can be shown; the reason stands above.'
      : narrowed && state.connection !== 'connecting'
        ? 'No flow matches the filter so far.'
        : 'Waiting for the first flow.';
  return <p class="empty">{text}</p>;
}
