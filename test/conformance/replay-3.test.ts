import { replayPart } from './replay.ts';

await replayPart(2, 4);
