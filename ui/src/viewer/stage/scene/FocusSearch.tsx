import { Button, Loader, TextInput } from '@mantine/core';
import type { SceneNode } from '@shared/protocol';
import { IconEye, IconRocket, IconSearch } from '@tabler/icons-react';
import { useState, type SubmitEvent } from 'react';

import { ranked } from '../../session/sceneWords';
import type { Session } from '../../session/session';
import classes from './FocusSearch.module.css';
import { useNodes } from './useNodes';

/** More than this is not read but narrowed by another letter. */
const SHOWN = 40;

type FocusSearchProps = { session: Session; focus: string; onDone: () => void };

/** Type “Mars”, then fly there or turn to it. */
export function FocusSearch({ session, focus, onDone }: FocusSearchProps) {
  const [search, setSearch] = useState('');
  const { list, problem } = useNodes(session, search);
  const found = list === null ? [] : ranked(list, search).slice(0, SHOWN);

  const fly = (node: SceneNode) => {
    session.send({ name: 'fly_to', args: { node: node.id } });
    onDone();
  };
  const look = (node: SceneNode) => {
    session.send({ name: 'focus', args: { node: node.id } });
    onDone();
  };
  const first = (event: SubmitEvent) => {
    event.preventDefault();
    if (search.trim() !== '' && found[0]) fly(found[0]);
  };

  return (
    <form onSubmit={first} role="search">
      <TextInput
        type="search"
        placeholder="Mars, Moon, a spacecraft…"
        aria-label="Where to?"
        leftSection={<IconSearch size={17} stroke={1.7} />}
        rightSection={list === null && problem === null ? <Loader size={15} color="gray" /> : null}
        value={search}
        autoComplete="off"
        data-autofocus
        onChange={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <ul className={classes.list} aria-label="Found">
        {found.map((node) => (
          <Row key={node.id} node={node} here={node.id === focus} onFly={fly} onLook={look} />
        ))}
      </ul>
      <p className={classes.said} role="status">
        {problem ?? (list !== null && found.length === 0 ? `Nothing here is called “${search.trim()}”.` : '')}
      </p>
    </form>
  );
}

type RowProps = {
  node: SceneNode;
  /** The camera looks at it already. */
  here: boolean;
  onFly: (node: SceneNode) => void;
  onLook: (node: SceneNode) => void;
};

function Row({ node, here, onFly, onLook }: RowProps) {
  const small = { size: 'compact-sm', radius: 'xl' } as const;
  return (
    <li className={classes.row} data-interesting={node.interesting}>
      <span className={classes.name} title={node.id}>
        {node.name}
        {here && <small> · here</small>}
      </span>
      <Button
        {...small}
        variant="subtle"
        color="gray.3"
        leftSection={<IconEye size={15} stroke={1.7} />}
        aria-label={`Focus on ${node.name}`}
        title="Turn to it from here"
        onClick={() => onLook(node)}
      >
        Focus
      </Button>
      <Button
        {...small}
        variant="light"
        color="lamp"
        leftSection={<IconRocket size={15} stroke={1.7} />}
        aria-label={`Fly to ${node.name}`}
        onClick={() => onFly(node)}
      >
        Fly
      </Button>
    </li>
  );
}
