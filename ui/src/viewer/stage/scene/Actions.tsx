import { Button, Kbd, TextInput, Title } from '@mantine/core';
import type { SceneAction } from '@shared/protocol';
import { Fragment, useState } from 'react';

import { actionGroups, capsOf, isAction } from '../../session/keyWords';
import { changingObstacle } from '../../session/sceneWords';
import type { Session } from '../../session/session';
import { outage } from '../../session/trouble';
import { useTrouble } from '../useScene';
import { useSession } from '../useSession';
import classes from './Actions.module.css';
import { useList, type List } from './panel/useList';

/** So many are read at a glance; more have a search. */
const GLANCE = 8;

/** What the scene offers to do, by a button or by its keys, in OpenSpace's own groups. */
export function Actions({ session }: { session: Session }) {
  const { state } = useSession(session);
  const off = outage(useTrouble(session), 'actions');
  const actions = useList(session, { name: 'list_actions', args: {} }, isAction, '', { off: off !== null });
  const [search, setSearch] = useState('');
  const reason = off ?? changingObstacle(state);
  const groups = actionGroups(actions.list ?? [], search);
  const said = sentence(actions, groups.length, search.trim());
  return (
    <section className={classes.actions} aria-labelledby="actions">
      <Title order={3} size="h4" id="actions" className={classes.title}>
        What this scene can do
      </Title>
      {reason !== null && (off !== null || groups.length > 0) && <p className={classes.said}>{reason}</p>}
      {(actions.list?.length ?? 0) > GLANCE && (
        <TextInput
          type="search"
          size="sm"
          placeholder="Search by word or key"
          aria-label="Search the actions"
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      )}
      <div className={classes.list}>
        {groups.map((group) => (
          <section key={group.name} aria-label={group.name}>
            <h4 className={classes.group}>{group.name}</h4>
            <ul>
              {group.actions.map((action) => (
                <Row key={action.id} action={action} session={session} fixed={reason !== null} />
              ))}
            </ul>
          </section>
        ))}
      </div>
      {off === null && said !== null && (
        <p className={classes.said} role="status">
          {said}
        </p>
      )}
    </section>
  );
}

function sentence({ list, problem }: List<SceneAction>, found: number, search: string): string | null {
  if (problem !== null) return problem;
  if (list === null) return 'Asking the scene…';
  if (list.length === 0) return 'It offers nothing.';
  return found === 0 ? `Nothing here is called “${search}”.` : null;
}

function Row({ action, session, fixed }: { action: SceneAction; session: Session; fixed: boolean }) {
  return (
    <li className={classes.row}>
      <span className={classes.words}>
        <span>{action.name}</span>
        {action.description !== '' && <small>{action.description}</small>}
      </span>
      <span className={classes.keys}>
        {action.keys.map((key) => (
          <Keys key={key} binding={key} />
        ))}
      </span>
      <Button
        size="compact-sm"
        radius="xl"
        variant="default"
        disabled={fixed}
        aria-label={`Do it: ${action.name}`}
        onClick={() => session.send({ name: 'trigger_action', args: { action: action.id } })}
      >
        Do it
      </Button>
    </li>
  );
}

/** Each key a cap of its own. */
function Keys({ binding }: { binding: string }) {
  return (
    <span className={classes.binding}>
      {capsOf(binding).map((cap, i) => (
        <Fragment key={cap}>
          {i > 0 && <span aria-hidden="true">+</span>}
          <Kbd>{cap}</Kbd>
        </Fragment>
      ))}
    </span>
  );
}
