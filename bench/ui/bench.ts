import { loadavg } from 'node:os';
import { noBrowser } from '../../test/ui/browser.ts';
import { generateRecording } from '../../test/ui/generate-flows.ts';
import { generateMany } from '../../test/ui/generate-many.ts';
import { type Figure, median } from '../figure.ts';
import { quantile } from './frames.ts';
import { measurePage, type PageFigures, perSecond } from './page.ts';

const recording = { seed: 5, flows: 20_000, startMs: 0, perSecond: 1 };
/** Seconds in which a page fills the memory that it has for flows. */
const fillSeconds = 22;
const longFrameMs = 100;

/** The page of `ciliate ui` in Chromium, without a graphics processor, while 1,000 flows a second come. */
export async function uiBench({ quick }: { readonly quick: boolean }): Promise<readonly Figure[]> {
  if (noBrowser !== false) {
    console.error(noBrowser);
    return [];
  }
  const times = quick ? { warmUpSeconds: 3, seconds: 10 } : { warmUpSeconds: fillSeconds, seconds: 60 };
  const figures: Figure[] = [];
  const worlds = [
    { name: '10 workloads', lines: generateRecording(recording), cards: 10 },
    { name: '200 workloads', lines: generateMany({ ...recording, workloads: 200 }), cards: 190 },
  ];
  for (const { name, lines, cards } of worlds) {
    console.error(`page with ${name}: ${times.seconds} s, load of the machine before it ${loadavg()[0]?.toFixed(2)}`);
    figures.push(...figuresOf(`page with ${name}`, await measurePage({ lines, cards, ...times })));
  }
  return figures;
}

function figuresOf(name: string, { firstView, frames, busy, heap, nodes, lost }: PageFigures): Figure[] {
  const of = `${name} at ${perSecond} flows a second`;
  const megabytes = (bytes: number): number => bytes / 1_000_000;
  const long = frames.gaps.filter((ms) => ms > longFrameMs).length;
  const view = (when: string, value: number): Figure => ({
    figure: `${name}: first view ${when}`,
    value,
    unit: 'ms',
    goal: '1000 or less',
  });
  return [
    view('where browser, ciliate ui and Hubble have just started', firstView.allCold),
    view('where the browser has just started', firstView.cold),
    view('again', median(firstView.warm)),
    { figure: 'beside it: an empty page where the browser has just started', value: firstView.empty, unit: 'ms' },
    { figure: `${of}: median frame after`, value: quantile(frames, 0.5), unit: 'ms', goal: '20 or less' },
    { figure: `${of}: 99 % of the frames within`, value: quantile(frames, 0.99), unit: 'ms', goal: '50 or less' },
    {
      figure: `${of}: longest frame`,
      value: frames.gaps.at(-1) ?? Number.NaN,
      unit: 'ms',
      goal: `${longFrameMs} or less`,
    },
    { figure: `${of}: frames over ${longFrameMs} ms`, value: long, unit: '', goal: '0' },
    { figure: `${of}: its thread is busy`, value: 100 * busy, unit: '%', goal: '50 or less' },
    { figure: `${of}: memory of its objects`, value: megabytes(heap.after), unit: 'MB' },
    { figure: `${of}: growth of that`, value: megabytes(heap.after - heap.before), unit: 'MB', goal: '1 or less' },
    { figure: `${of}: growth of its document`, value: nodes.after - nodes.before, unit: 'nodes' },
    { figure: `${of}: flows that did not come`, value: lost, unit: '', goal: '0' },
  ];
}
