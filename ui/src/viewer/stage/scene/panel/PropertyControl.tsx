import { ColorInput, Input, NativeSelect, NumberInput, Slider, Switch } from '@mantine/core';
import type { PropertyKind, PropertyValue } from '@shared/protocol';
import { useState } from 'react';

import { fromHex, slides, stepOf, toHex, valueWords } from '../../../session/properties';
import classes from './panel.module.css';

type ControlProps = {
  kind: PropertyKind;
  value: PropertyValue;
  label: string;
  description: string;
  disabled: boolean;
  onSet: (value: PropertyValue) => void;
};

/** What a value of its kind is set with. */
export function PropertyControl({ kind, value, label, description, disabled, onSet }: ControlProps) {
  const words = { label, description, disabled };
  switch (kind.type) {
    case 'switch':
      return (
        <Switch
          {...words}
          color="lamp.4"
          labelPosition="left"
          classNames={{ root: classes.switch, body: classes.switchBody, labelWrapper: classes.switchLabel }}
          checked={value === true}
          onChange={({ currentTarget }) => onSet(currentTarget.checked)}
        />
      );
    case 'number':
      return slides(kind) ? (
        <Sliding {...words} kind={kind} value={Number(value)} onSet={onSet} />
      ) : (
        <NumberInput
          {...words}
          size="sm"
          value={Number(value)}
          min={kind.min}
          max={kind.max}
          allowDecimal={!kind.whole}
          hideControls
          onBlur={({ currentTarget }) => typed(currentTarget.value, value, onSet)}
          onKeyDown={({ key, currentTarget }) => key === 'Enter' && typed(currentTarget.value, value, onSet)}
        />
      );
    case 'choice':
      return (
        <NativeSelect
          {...words}
          size="sm"
          data={kind.options.map((option) => ({ value: String(option.value), label: option.name }))}
          value={String(value)}
          onChange={({ currentTarget }) => onSet(Number(currentTarget.value))}
        />
      );
    case 'colour':
      return (
        <ColorInput
          {...words}
          size="sm"
          format={kind.alpha ? 'hexa' : 'hex'}
          value={Array.isArray(value) ? toHex(value) : ''}
          popoverProps={{ withinPortal: false }}
          withEyeDropper={false}
          onChangeEnd={(text) => {
            const parts = fromHex(text, kind.alpha);
            if (parts) onSet(parts);
          }}
        />
      );
    case 'vector':
      return <Numbers {...words} kind={kind} value={Array.isArray(value) ? value : []} onSet={onSet} />;
  }
}

function typed(text: string, before: PropertyValue, onSet: (value: number) => void): void {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value !== before) onSet(value);
}

type SlidingProps = Omit<ControlProps, 'kind' | 'value'> & {
  kind: Extract<PropertyKind, { type: 'number' }>;
  value: number;
};

/** While a finger is on it, it is where the finger is. */
function Sliding({ kind, value, label, description, disabled, onSet }: SlidingProps) {
  const [held, setHeld] = useState<number | null>(null);
  const shown = held ?? value;
  return (
    <Input.Wrapper
      label={
        <span className={classes.figure}>
          {label} <output>{valueWords(shown)}</output>
        </span>
      }
      labelElement="div"
      labelProps={{ className: classes.wide }}
      description={description}
    >
      <Slider
        color="lamp.4"
        size="sm"
        my={10}
        label={null}
        thumbLabel={label}
        disabled={disabled}
        min={kind.min}
        max={kind.max}
        step={stepOf(kind)}
        value={shown}
        onChange={setHeld}
        onChangeEnd={(end) => {
          setHeld(null);
          onSet(end);
        }}
      />
    </Input.Wrapper>
  );
}

type NumbersProps = Omit<ControlProps, 'kind' | 'value'> & {
  kind: Extract<PropertyKind, { type: 'vector' }>;
  value: number[];
};

const AXES = ['X', 'Y', 'Z', 'W'];

function Numbers({ kind, value, label, description, disabled, onSet }: NumbersProps) {
  return (
    <Input.Wrapper label={label} labelElement="div" description={description}>
      <div className={classes.numbers}>
        {value.map((part, i) => (
          <NumberInput
            key={AXES[i]}
            size="sm"
            hideControls
            disabled={disabled}
            aria-label={`${label} ${AXES[i]}`}
            min={kind.min[i]}
            max={kind.max[i]}
            allowDecimal={!kind.whole}
            value={part}
            onBlur={({ currentTarget }) =>
              typed(currentTarget.value, part, (next) => onSet(value.with(i, next)))
            }
          />
        ))}
      </div>
    </Input.Wrapper>
  );
}
