import type { RefObject } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Box } from '../model/layout.ts';
import { isReadable, type Sight } from '../model/regions.ts';

const leastScale = 0.15;
const mostScale = 2.5;
const margin = 28;
const stepPixels = 60;

export interface Viewport {
  /** Shows a box entirely, unless the user has moved the map. */
  readonly show: (box: Box) => void;
  /** Shows everything again. */
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly press: (event: KeyboardEvent) => void;
}

/** Pan and zoom of an SVG's `.world` group: by dragging, wheel, keys and buttons. Changes the group directly, without drawing again, and tells what is in sight. */
export function useViewport(ref: RefObject<SVGSVGElement | null>, onSight: (sight: Sight) => void): Viewport {
  const viewport = useMemo(() => createViewport(ref, onSight), [ref]);
  useEffect(() => viewport.attach(), [viewport]);
  return viewport;
}

function createViewport(
  ref: RefObject<SVGSVGElement | null>,
  onSight: (sight: Sight) => void,
): Viewport & { attach: () => () => void } {
  let view = { x: 0, y: 0, scale: 1 };
  let box: Box = { x: 0, y: 0, width: 1, height: 1 };
  /** Of the SVG, as it was told last: asking the document for it would lay out everything at once. */
  let size = { width: 0, height: 0 };
  let isMoved = false;
  const apply = (next: { x: number; y: number; scale: number }): void => {
    view = next;
    const { x, y, scale } = view;
    const sight = {
      scale,
      box: { x: -x / scale, y: -y / scale, width: size.width / scale, height: size.height / scale },
    };
    const world = ref.current?.querySelector<SVGGElement>('.world');
    world?.setAttribute('transform', `translate(${x},${y}) scale(${scale})`);
    world?.classList.toggle('small', !isReadable(sight));
    // Texts and lines of a small map are drawn in pixels of the screen. Rounded down, as a line even a little wider than a pixel takes twice as long.
    if (!isReadable(sight)) world?.style.setProperty('--pixel', `${Math.floor(100 / scale) / 100}px`);
    onSight(sight);
  };
  const fit = (): void => {
    const { width, height } = size;
    if (width === 0) return;
    const wanted = Math.min((width - 2 * margin) / box.width, (height - 2 * margin) / box.height, 1.15);
    const scale = Math.max(leastScale, wanted);
    apply({
      scale,
      x: Math.max(margin, (width - box.width * scale) / 2),
      y: Math.max(margin, (height - box.height * scale) / 2),
    });
    isMoved = false;
  };
  const zoomAt = (factor: number, x: number, y: number): void => {
    const scale = Math.min(mostScale, Math.max(leastScale, view.scale * factor));
    const ratio = scale / view.scale;
    isMoved = true;
    apply({ scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio });
  };
  const zoom = (factor: number): void => {
    zoomAt(factor, size.width / 2, size.height / 2);
  };
  const pan = (dx: number, dy: number): void => {
    isMoved = true;
    apply({ ...view, x: view.x + dx, y: view.y + dy });
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => pan(stepPixels, 0),
    ArrowRight: () => pan(-stepPixels, 0),
    ArrowUp: () => pan(0, stepPixels),
    ArrowDown: () => pan(0, -stepPixels),
    '+': () => zoom(1.25),
    '=': () => zoom(1.25),
    '-': () => zoom(0.8),
    '0': fit,
  };
  return {
    show(next) {
      box = next;
      if (!isMoved) fit();
    },
    fit,
    zoom,
    press(event) {
      const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (!action || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      action();
    },
    attach() {
      const svg = ref.current;
      if (!svg) return () => {};
      const wheel = (event: WheelEvent): void => {
        event.preventDefault();
        const { left, top } = svg.getBoundingClientRect();
        zoomAt(Math.exp(-event.deltaY * 0.0015), event.clientX - left, event.clientY - top);
      };
      const stopDragging = listenToDragging(svg, pan);
      const resized = new ResizeObserver((entries) => {
        size = entries.at(-1)?.contentRect ?? size;
        if (isMoved) apply(view);
        else fit();
      });
      svg.addEventListener('wheel', wheel, { passive: false });
      resized.observe(svg);
      return () => {
        svg.removeEventListener('wheel', wheel);
        stopDragging();
        resized.disconnect();
      };
    },
  };
}

/** Pixels that a press may move and still be a click. */
const clickPixels = 4;

function listenToDragging(svg: SVGSVGElement, pan: (dx: number, dy: number) => void): () => void {
  let last: { x: number; y: number; isDrag: boolean } | undefined;
  const down = (event: PointerEvent): void => {
    if (event.button === 0) last = { x: event.clientX, y: event.clientY, isDrag: false };
  };
  const move = (event: PointerEvent): void => {
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    if (!last.isDrag && Math.hypot(dx, dy) < clickPixels) return;
    if (!last.isDrag) svg.setPointerCapture(event.pointerId);
    last = { x: event.clientX, y: event.clientY, isDrag: true };
    pan(dx, dy);
  };
  const up = (): void => {
    last = undefined;
  };
  svg.addEventListener('pointerdown', down);
  svg.addEventListener('pointermove', move);
  svg.addEventListener('pointerup', up);
  svg.addEventListener('pointercancel', up);
  return () => {
    svg.removeEventListener('pointerdown', down);
    svg.removeEventListener('pointermove', move);
    svg.removeEventListener('pointerup', up);
    svg.removeEventListener('pointercancel', up);
  };
}
