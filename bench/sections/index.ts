/** All sections, in the order in which they run: later ones use figures of earlier ones. */
import type { Section } from '../lab/section.ts';
import { cost } from './cost.ts';
import { drain } from './drain.ts';
import { functions } from './function.ts';
import { read } from './read.ts';
import { scale } from './scale.ts';
import { sustained } from './sustained.ts';
import { update } from './update.ts';

export const sections: readonly Section[] = [update, read, drain, sustained, scale, functions, cost];
