import type { ComponentChildren } from 'preact';
import { useEffect, useReducer, useState } from 'preact/hooks';
import type { Store } from '../store.ts';
import { CardPanel } from './card-panel.tsx';
import { FilterBar } from './filter-bar.tsx';
import { FlowPanel } from './flow-panel.tsx';
import { FlowTable } from './flow-table.tsx';
import { Help } from './help.tsx';
import { useShortcuts } from './keyboard.ts';
import { ServiceMapView } from './service-map.tsx';
import { TimeSlider } from './time-slider.tsx';
import { TopBar } from './top-bar.tsx';

export function App({ store }: { readonly store: Store }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [helpIsOpen, setHelpIsOpen] = useState(false);
  useEffect(() => store.subscribe(() => redraw(undefined as never)), [store]);
  useShortcuts(store, () => setHelpIsOpen((open) => !open));
  const { state } = store;
  const card = state.selectedCard === undefined ? undefined : state.map.cards.get(state.selectedCard);
  const close = (): void => store.select({});
  return (
    <div class="app">
      <TopBar store={store} onHelp={() => setHelpIsOpen(true)} />
      <FilterBar store={store} />
      <main class={state.selectedFlow || card ? 'main with-panel' : 'main'}>
        <div class="center">
          <ServiceMapView store={store} />
          <div class="lower">
            {state.cursorMs !== undefined && <TimeSlider store={store} />}
            <FlowTable store={store} />
          </div>
        </div>
        {state.selectedFlow ? (
          <Side title="Flow" onClose={close}>
            <FlowPanel store={store} shown={state.selectedFlow} />
          </Side>
        ) : (
          card && (
            <Side title={card.party.kind === 'outside' ? 'Outside the cluster' : card.party.kind} onClose={close}>
              <CardPanel store={store} card={card} />
            </Side>
          )
        )}
      </main>
      {helpIsOpen && <Help onClose={() => setHelpIsOpen(false)} />}
    </div>
  );
}

interface SideProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

function Side({ title, onClose, children }: SideProps) {
  return (
    <aside class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="icon" aria-label="Close" title="Close (Esc)" onClick={onClose}>
          ✕
        </button>
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  );
}
