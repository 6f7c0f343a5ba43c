import { Accordion, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { SceneProperty } from '@shared/protocol';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';

import { mayBeCut } from '../../../session/lists';
import { byOwner, isProperty } from '../../../session/properties';
import type { ScenePart } from '../part';
import classes from './panel.module.css';
import { PropertyRow } from './PropertyRow';
import { Said } from './Said';
import { useList, type List } from './useList';

/** Of one owner at once; the search finds the rest. */
const SHOWN = 60;
/** Owners in the list; a scene may have thousands. */
const GROUPS = 80;
/** So few owners are open from the beginning of a search. */
const OPEN = 4;
const TYPING_MS = 250;
/** The values of a whole scene are much to tell, so they are not asked for at each change. */
const EVERY_MS = 2_500;

const parts = { control: classes.control, label: classes.label, content: classes.content };

type AdjustProps = Pick<ScenePart, 'session' | 'scene'> & { outage: string | null };

/** The settings of the scene, by what they belong to. */
export function Adjust({ session, scene, outage }: AdjustProps) {
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search.trim(), TYPING_MS);
  const wish = { name: 'list_properties', args: settled === '' ? {} : { search: settled } } as const;
  const { list, problem } = useList(session, wish, isProperty, `${scene.changes} ${scene.settings}`, {
    everyMs: EVERY_MS,
    off: outage !== null,
  });
  const [opened, setOpened] = useState<string[]>([]);
  const groups = byOwner(list ?? []);
  const names = groups.map(({ name }) => name);
  return (
    <>
      <TextInput
        type="search"
        placeholder="Opacity, labels, atmosphere…"
        aria-label="Search the settings"
        leftSection={<IconSearch size={16} stroke={1.7} />}
        value={search}
        onChange={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      {outage !== null && <Said>{outage}</Said>}
      <Accordion
        multiple
        keepMounted={false}
        value={settled !== '' && names.length <= OPEN ? names : opened}
        onChange={setOpened}
        variant="unstyled"
        classNames={parts}
      >
        {groups.slice(0, GROUPS).map((group) => (
          <Accordion.Item key={group.name} value={group.name}>
            <Accordion.Control>
              {group.name}
              <small>{group.properties.length}</small>
            </Accordion.Control>
            <Accordion.Panel>
              <ul className={classes.rows}>
                {group.properties.slice(0, SHOWN).map((property) => (
                  <PropertyRow
                    key={property.uri}
                    session={session}
                    property={property}
                    fixed={outage !== null}
                  />
                ))}
              </ul>
              {group.properties.length > SHOWN && <Said>There are more: search for them.</Said>}
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      {list !== null && (mayBeCut(list) || groups.length > GROUPS) && (
        <Said>There is more than fits here. Search for the rest.</Said>
      )}
      {outage === null && <Said>{sentence({ list, problem }, settled)}</Said>}
    </>
  );
}

function sentence({ list, problem }: List<SceneProperty>, search: string): string {
  if (problem !== null) return problem;
  if (list === null) return 'Asking the scene…';
  if (list.length > 0) return '';
  return search === ''
    ? 'Nothing in this scene can be adjusted from here.'
    : `Nothing here is called “${search}”.`;
}
