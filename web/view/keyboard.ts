import { useEffect } from 'preact/hooks';
import type { Store } from '../store.ts';
import { toggleTheme } from './theme.ts';

/** Keys of the page and what they do; the map has its own while it is focused. */
export const shortcuts: readonly (readonly [keys: string, action: string])[] = [
  ['/', 'write a filter'],
  ['d', 'only what was dropped, and back'],
  ['j  k', 'next and previous flow'],
  ['Enter', 'explain the flow or card that is focused'],
  ['Esc', 'close the panel'],
  ['Tab', 'go from card to card'],
  ['← ↑ → ↓', 'move the map while it is focused'],
  ['+  −  0', 'zoom in, out, fit everything'],
  ['t', 'arrange the map again'],
  ['p', 'pause and go on'],
  ['l', 'light or dark'],
  ['?', 'this list'],
];

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && ['text', 'search', 'range'].includes(target.type);
}

export function useShortcuts(store: Store, toggleHelp: () => void): void {
  useEffect(() => {
    const actions: Readonly<Record<string, () => void>> = {
      '/': () => document.getElementById('filter')?.focus(),
      '?': toggleHelp,
      d: () => {
        const dropped = store.state.url.verdicts.length === 1 && store.state.url.verdicts[0] === 'dropped';
        store.changeUrl({ verdicts: dropped ? [] : ['dropped'] });
      },
      j: () => step(store, -1),
      k: () => step(store, 1),
      Escape: () => store.select({}),
      t: () => store.tidy(),
      p: () => store.togglePause(),
      l: toggleTheme,
    };
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
      if (!action || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [store]);
}

/** Selects the flow that is older (-1) or newer (1) than the selected one. */
function step({ state: { shown, selectedFlow }, select }: Store, direction: 1 | -1): void {
  let at = shown.end();
  if (selectedFlow) {
    for (let number = shown.end() - 1; number >= shown.first(); number--) {
      if (shown.get(number) === selectedFlow) {
        at = number;
        break;
      }
    }
  }
  const flow = shown.get(at + direction);
  if (flow) select({ flow });
}
