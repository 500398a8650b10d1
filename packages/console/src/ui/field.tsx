/** An input with its label, its help and what is wrong with it, tied together for who cannot see that they are near. */
import type { Ref } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly help?: string;
  /** null while nothing is wrong. */
  readonly problem?: string | null;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly inputmode?: 'text' | 'numeric';
  readonly autocomplete?: string;
  readonly maxLength?: number;
  readonly readOnly?: boolean;
}

export function Field({ label, help, problem = null, value, onValue, inputRef, ...input }: FieldProps) {
  const id = useId();
  const [helpId, problemId] = [`${id}-help`, `${id}-problem`];
  const described = [...(help === undefined ? [] : [helpId]), ...(problem === null ? [] : [problemId])];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        id={id}
        {...(inputRef && { ref: inputRef })}
        autocomplete={input.autocomplete ?? 'off'}
        value={value}
        aria-invalid={problem !== null}
        aria-describedby={described.length === 0 ? undefined : described.join(' ')}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
      {help !== undefined && (
        <span id={helpId} class="note">
          {help}
        </span>
      )}
      {problem !== null && (
        <span id={problemId} class="problem">
          {problem}
        </span>
      )}
    </div>
  );
}
