/**
 * A button for what changes something: it asks first, in words that say what will happen, and tells the end of it where the
 * question was. The dialog is the browser's own: focus stays in it, Escape leaves it, and focus goes back to the button.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useCall } from './call.ts';

interface ConfirmProps<T> {
  /** On the button. */
  readonly label: string;
  /** For who hears the button without what is around it; `label` where left out. */
  readonly name?: string;
  readonly question: string;
  /** What will happen, what will not, how long it may take. */
  readonly children: ComponentChildren;
  /** On the button that does it. */
  readonly action: string;
  readonly work: (signal: AbortSignal) => Promise<T>;
  /** The result in words. */
  readonly result: (value: T) => ComponentChildren;
  readonly onDone?: (value: T) => void;
  readonly onOpen?: () => void;
  /** The question was left, whatever became of it; focus is back on the button, if that can have it. */
  readonly onClose?: () => void;
  readonly disabled?: boolean;
}

export function Confirm<T>(props: ConfirmProps<T>) {
  const {
    label,
    name,
    question,
    action,
    result,
    children,
    onDone,
    onOpen,
    onClose,
    disabled = false,
  } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const leave = useRef<HTMLButtonElement>(null);
  const title = useId();
  const { state, run, reset } = useCall<T, []>(props.work);
  const isRunning = state.kind === 'RUNNING';
  const isOver = state.kind === 'DONE' || state.kind === 'FAILED';
  // The button that had focus has gone.
  useEffect(() => {
    if (isOver) leave.current?.focus();
  }, [isOver]);
  const begin = async () => {
    if (isRunning) return;
    const value = await run();
    if (value !== undefined) onDone?.(value);
  };
  return (
    <>
      <button
        type="button"
        disabled={disabled}
        aria-label={name}
        onClick={() => {
          // One that still runs is looked at again.
          if (!isRunning) reset();
          onOpen?.();
          dialog.current?.showModal();
        }}
      >
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={title} onClose={onClose}>
        <h2 id={title}>{question}</h2>
        {!isOver && <div>{children}</div>}
        <div role="status">
          {isRunning && <p>Under way …</p>}
          {state.kind === 'DONE' && <div>{result(state.value)}</div>}
          {state.kind === 'FAILED' && <p class="problem">{state.reason}</p>}
        </div>
        <p class="actions">
          {!isOver && (
            <button type="button" class="primary" aria-disabled={isRunning} onClick={() => void begin()}>
              {action}
            </button>
          )}
          <button type="button" ref={leave} onClick={() => dialog.current?.close()}>
            {isOver || isRunning ? 'Close' : 'Cancel'}
          </button>
        </p>
      </dialog>
    </>
  );
}
