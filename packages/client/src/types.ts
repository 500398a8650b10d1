/** What goes in and comes out, derived from the schemas by which the API itself validates. Types only: no schema is loaded. */
import type { routes } from '@afterwrite/functions/routes';
import type * as schemas from '@afterwrite/functions/schemas';
import type { z } from 'zod';

export type Flight = z.infer<typeof schemas.flight>;
export type ReadAnswer = z.infer<typeof schemas.readAnswer>;
export type UpdateBody = z.input<typeof schemas.updateBody>;
export type UpdateAnswer = z.infer<typeof schemas.updateAnswer>;
export type WriteAnswer = z.infer<typeof schemas.writeAnswer>;
export type ConsistencyAnswer = z.infer<typeof schemas.consistencyAnswer>;
export type FindQuery = Pick<z.output<typeof schemas.findQuery>, 'flightno'> &
  Partial<z.output<typeof schemas.findQuery>>;
export type FindAnswer = z.infer<typeof schemas.findAnswer>;
export type LogAnswer = z.infer<typeof schemas.logAnswer>;
export type LogEntry = LogAnswer['entries'][number];
export type LogQuery = Partial<z.output<typeof schemas.logQuery>>;
export type QueueAnswer = z.infer<typeof schemas.queueAnswer>;
export type ProcessBody = z.input<typeof schemas.processBody>;
export type ProcessAnswer = z.infer<typeof schemas.processAnswer>;
export type LettersQuery = Partial<z.output<typeof schemas.lettersQuery>>;
export type LettersAnswer = z.infer<typeof schemas.lettersAnswer>;
export type RedriveBody = z.input<typeof schemas.redriveBody>;
export type RedriveAnswer = z.infer<typeof schemas.redriveAnswer>;
export type HealthAnswer = z.infer<typeof schemas.healthAnswer>;
export type ProblemDocument = z.infer<typeof schemas.problemDocument>;

type Route = (typeof routes)[number];
export type Method = Route['method'];
/** The paths that take this verb. */
export type PathOf<M extends Method> = Extract<Route, { method: M }>['path'];

/** A flight and the tag by which it can be asked for again, or held in an update. */
export type FlightRead =
  /** Read, from where `source` says. */
  | (ReadAnswer & { readonly kind: 'FOUND'; readonly etag: string })
  /** Still what `ifNoneMatch` names. */
  | { readonly kind: 'NOT_MODIFIED'; readonly etag: string };
