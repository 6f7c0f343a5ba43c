import { inWords } from '@shared/http';
import type { PropertyValue, SceneProperty } from '@shared/protocol';
import { useEffect, useState } from 'react';

import { innerOwner } from '../../../session/properties';
import type { Session } from '../../../session/session';
import classes from './panel.module.css';
import { PropertyControl } from './PropertyControl';

/** The scene tells a new value within this; after it, whatever it says stands again. */
const TOLD_WITHIN_MS = 6_000;

type PropertyRowProps = { session: Session; property: SceneProperty; fixed: boolean };

/** One setting, and the sentence of a refusal beneath it. */
export function PropertyRow({ session, property, fixed }: PropertyRowProps) {
  const [draft, setDraft] = useState<PropertyValue | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const told = JSON.stringify(property.value);
  const [seen, setSeen] = useState(told);
  if (seen !== told) {
    setSeen(told);
    setDraft(null);
  }
  useEffect(() => {
    if (draft === null) return undefined;
    const timer = setTimeout(() => setDraft(null), TOLD_WITHIN_MS);
    return () => clearTimeout(timer);
  }, [draft]);

  const set = (value: PropertyValue) => {
    setDraft(value);
    setProblem(null);
    session.wish({ name: 'set_property', args: { uri: property.uri, value } }).catch((error: unknown) => {
      setDraft(null);
      setProblem(inWords(error));
    });
  };
  const inner = innerOwner(property);
  return (
    <li
      className={classes.property}
      data-property={property.uri}
      data-value={told}
      title={property.description}
    >
      <PropertyControl
        disabled={fixed}
        kind={property.kind}
        value={draft ?? property.value}
        label={property.name}
        description={inner}
        onSet={set}
      />
      {problem !== null && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}
