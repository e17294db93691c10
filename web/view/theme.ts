export type Theme = 'system' | 'light' | 'dark';

const key = 'ciliate-theme';

/** The theme that was chosen here before; the system's where none was or nothing can be kept. */
export function savedTheme(): Theme {
  try {
    const saved = localStorage.getItem(key);
    return saved === 'light' || saved === 'dark' ? saved : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** Turns light into dark and back, whatever the system says. */
export function toggleTheme(): void {
  const saved = savedTheme();
  const isDark = saved === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : saved === 'dark';
  const theme = isDark ? 'light' : 'dark';
  applyTheme(theme);
  try {
    localStorage.setItem(key, theme);
  } catch {
    // A page that may keep nothing is themed until it is closed.
  }
}
