import { useEffect, useState } from 'preact/hooks';
import type { Store } from '../store.ts';

/** Milliseconds between two steps of the replay. */
const stepMs = 100;
const speeds = [1, 5, 20] as const;

/** Moves the time up to which a recording is shown, by hand or by playing it. */
export function TimeSlider({ store }: { readonly store: Store }) {
  const { from, to } = store.span();
  const now = Math.min(to, Math.max(from, store.nowMs()));
  const [speed, setSpeed] = useState<number>(1);
  const [isPlaying, setIsPlaying] = useState(false);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      const next = store.nowMs() + stepMs * speed;
      const last = store.span().to;
      store.moveCursor(Math.min(next, last));
      if (next >= last) setIsPlaying(false);
    }, stepMs);
    return () => clearInterval(timer);
  }, [isPlaying, speed, store]);
  const play = (): void => {
    if (!isPlaying && store.nowMs() >= to) store.moveCursor(from);
    setIsPlaying(!isPlaying);
  };
  return (
    <div class="slider">
      <button type="button" onClick={play}>
        {isPlaying ? '❚❚ Stop' : '▶ Play'}
      </button>
      <label>
        Speed{' '}
        <select value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
          {speeds.map((each) => (
            <option key={each} value={each}>
              {each}×
            </option>
          ))}
        </select>
      </label>
      <input
        type="range"
        aria-label="Time"
        aria-valuetext={clock(now)}
        min={from}
        max={to}
        step={100}
        value={now}
        onInput={(event) => store.moveCursor(Number(event.currentTarget.value))}
      />
      <output>{clock(now)}</output>
    </div>
  );
}

function clock(timeMs: number): string {
  return timeMs === 0 ? '' : new Date(timeMs).toLocaleTimeString('en-GB');
}
