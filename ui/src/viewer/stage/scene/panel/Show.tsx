import { Accordion, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { SceneToggle } from '@shared/protocol';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';

import { mayBeCut } from '../../../session/lists';
import { grouped, within, type ToggleGroup } from '../../../session/toggles';
import type { ScenePart } from '../part';
import classes from './panel.module.css';
import { Said } from './Said';
import { useToggles, type Toggles } from './useToggles';

/** Of one group at once; the search finds the rest. */
const SHOWN = 150;
const TYPING_MS = 200;

type ShowProps = Pick<ScenePart, 'session' | 'scene'> & {
  /** Why the scene cannot be asked now. */
  outage: string | null;
  /** Why nothing can be switched by this viewer. */
  obstacle: string | null;
};

const parts = { control: classes.control, label: classes.label, content: classes.content };

/** What of the scene is seen, and the switches for it. */
export function Show({ session, scene, outage, obstacle }: ShowProps) {
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search.trim(), TYPING_MS);
  // A list that came whole is searched here, group names included; only a longer one is searched by the node.
  const whole = useToggles(session, '', scene.changes, outage !== null);
  const cut = whole.list !== null && mayBeCut(whole.list);
  const found = useToggles(session, cut ? settled : null, scene.changes, outage !== null);
  const toggles = cut ? found : whole;
  const fixed = outage ?? obstacle;
  const groups = grouped(toggles.list ?? [], cut ? '' : search);
  const [opened, setOpened] = useState<string[]>([]);
  const few = (toggles.list?.length ?? 0) <= SHOWN / 10;
  const open = search.trim() !== '' || few ? groups.map(({ name }) => name) : opened;
  return (
    <>
      <TextInput
        type="search"
        placeholder="Planets, trails, stars…"
        aria-label="Search what can be shown"
        leftSection={<IconSearch size={16} stroke={1.7} />}
        value={search}
        onChange={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      {fixed !== null && <Said id="show-reason">{fixed}</Said>}
      <Accordion
        multiple
        keepMounted={false}
        value={open}
        onChange={setOpened}
        variant="unstyled"
        classNames={parts}
      >
        {groups.map((group) => (
          <Group key={group.name} group={group} toggles={toggles} fixed={fixed !== null} />
        ))}
      </Accordion>
      {cut && settled === '' && <Said>This scene has more than fits here. Search for the rest.</Said>}
      {outage === null && <Said>{sentence(toggles, groups, search)}</Said>}
    </>
  );
}

function sentence({ list, problem }: Toggles, groups: ToggleGroup[], search: string): string {
  if (problem !== null) return problem;
  if (list === null) return 'Asking the scene…';
  if (groups.length > 0) return '';
  return search.trim() === ''
    ? 'Nothing in this scene can be switched.'
    : `Nothing here is called “${search.trim()}”.`;
}

type GroupProps = { group: ToggleGroup; toggles: Toggles; fixed: boolean };

function Group({ group, toggles, fixed }: GroupProps) {
  const more = group.toggles.length - SHOWN;
  return (
    <Accordion.Item value={group.name}>
      <Accordion.Control>
        {group.name}
        <small>
          {group.shown} of {group.toggles.length} shown
        </small>
      </Accordion.Control>
      <Accordion.Panel>
        <ul className={classes.rows}>
          {group.toggles.slice(0, SHOWN).map((toggle) => (
            <Row key={toggle.id} toggle={toggle} toggles={toggles} fixed={fixed} />
          ))}
        </ul>
        {more > 0 && <Said>And {more} more: search for them.</Said>}
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function Row({ toggle, toggles, fixed }: { toggle: SceneToggle; toggles: Toggles; fixed: boolean }) {
  const wished = toggles.wished.get(toggle.id);
  const on = wished ?? toggle.shown;
  return (
    <li className={classes.row} data-toggle={toggle.id} data-shown={toggle.shown}>
      <Switch
        color="lamp.4"
        labelPosition="left"
        classNames={{
          root: classes.switch,
          body: classes.switchBody,
          labelWrapper: classes.switchLabel,
          label: classes.switchName,
          track: classes.track,
        }}
        label={toggle.name}
        description={within(toggle)}
        checked={on}
        disabled={fixed}
        aria-busy={wished !== undefined}
        aria-describedby={fixed ? 'show-reason' : undefined}
        onChange={({ currentTarget }) => toggles.turn(toggle, currentTarget.checked)}
      />
    </li>
  );
}
