/** A field for an amount that a person reads off the broker's own record. */
export function Figure(props: { label: string; value: string; onChange: (value: string) => void; required?: boolean }) {
  return (
    <label className="field">
      {props.label}
      <input
        inputMode="decimal"
        autoComplete="off"
        required={props.required}
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}
