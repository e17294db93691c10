import { render } from 'preact';
import { createStore } from './store.ts';
import { App } from './view/app.tsx';
import { applyTheme, savedTheme } from './view/theme.ts';

const root = document.getElementById('app');
if (root) {
  applyTheme(savedTheme());
  const store = createStore();
  // Before anything is drawn: the server has flows ready by then.
  void store.start();
  render(<App store={store} />, root);
}
