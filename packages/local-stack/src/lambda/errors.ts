/** Why an invocation did not take place. What a function did wrong is no error here but its outcome. */

export type LambdaErrorCode =
  | 'ResourceNotFoundException'
  | 'TooManyRequestsException'
  | 'RequestTooLargeException'
  | 'InvalidRequestContentException'
  | 'ServiceException';

const STATUS: Readonly<Record<LambdaErrorCode, number>> = {
  ResourceNotFoundException: 404,
  TooManyRequestsException: 429,
  RequestTooLargeException: 413,
  InvalidRequestContentException: 400,
  ServiceException: 500,
};

/** `code` is the name of the exception in Lambda's API. */
export class LambdaError extends Error {
  override readonly name = 'LambdaError';
  readonly code: LambdaErrorCode;
  readonly status: number;
  readonly retryable: boolean;

  constructor(code: LambdaErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
    this.retryable = code === 'TooManyRequestsException' || code === 'ServiceException';
  }
}
