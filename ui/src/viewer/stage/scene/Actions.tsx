import { Button, Kbd, TextInput, Title } from '@mantine/core';
import { inWords } from '@shared/http';
import type { SceneAction } from '@shared/protocol';
import { useEffect, useState } from 'react';

import { isAction } from '../../session/keyWords';
import { changingObstacle } from '../../session/sceneWords';
import type { Session } from '../../session/session';
import { useSession } from '../useSession';
import classes from './Actions.module.css';

/** So many are read at a glance; more have a search. */
const GLANCE = 8;

/** What the scene offers to do, by a button or by its keys. */
export function Actions({ session }: { session: Session }) {
  const { state } = useSession(session);
  const { list, said } = useActions(session);
  const [search, setSearch] = useState('');
  const reason = changingObstacle(state);
  const wanted = search.trim().toLowerCase();
  const found = (list ?? []).filter(({ name, description, keys }) =>
    [name, description, ...keys].some((words) => words.toLowerCase().includes(wanted)),
  );
  return (
    <section className={classes.actions} aria-labelledby="actions">
      <Title order={3} size="h4" id="actions" className={classes.title}>
        What this scene can do
      </Title>
      {reason !== null && found.length > 0 && <p className={classes.said}>{reason}</p>}
      {(list?.length ?? 0) > GLANCE && (
        <TextInput
          type="search"
          size="sm"
          placeholder="Search"
          aria-label="Search the actions"
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      )}
      <ul className={classes.list}>
        {found.map((action) => (
          <li key={action.id} className={classes.row}>
            <span className={classes.words}>
              <span>{action.name}</span>
              {action.description !== '' && <small>{action.description}</small>}
            </span>
            <span className={classes.keys}>
              {action.keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </span>
            <Button
              size="compact-sm"
              radius="xl"
              variant="default"
              disabled={reason !== null}
              aria-label={`Do it: ${action.name}`}
              onClick={() => session.send({ name: 'trigger_action', args: { action: action.id } })}
            >
              Do it
            </Button>
          </li>
        ))}
      </ul>
      {said !== null && (
        <p className={classes.said} role="status">
          {said}
        </p>
      )}
    </section>
  );
}

function useActions(session: Session): { list: SceneAction[] | null; said: string | null } {
  const [list, setList] = useState<SceneAction[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    session.wish({ name: 'list_actions', args: {} }).then(
      (answer) => wanted && setList(Array.isArray(answer) ? answer.filter(isAction) : []),
      (error: unknown) => wanted && setProblem(inWords(error)),
    );
    return () => {
      wanted = false;
    };
  }, [session]);
  const said =
    problem ?? (list === null ? 'Asking the scene…' : list.length === 0 ? 'It offers nothing.' : null);
  return { list, said };
}
