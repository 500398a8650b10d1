/** Light, dark, or as the system has it; kept for the next visit where the browser lets a page keep anything. */
import { effect, signal } from '@preact/signals';

export const THEMES = ['auto', 'light', 'dark'] as const;
const KEY = 'afterwrite-theme';

export const theme = signal<(typeof THEMES)[number]>(stored());
/** Changes when colours did: what is drawn on a canvas is drawn anew. */
export const palette = signal(0);

function stored(): (typeof THEMES)[number] {
  try {
    return THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // A private window: this visit only.
  }
  palette.value = palette.peek() + 1;
});

for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)'])
  matchMedia(query).addEventListener('change', () => (palette.value += 1));
