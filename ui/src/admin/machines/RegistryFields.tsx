import { NativeSelect, TextInput } from '@mantine/core';
import type { RegistryTls } from '@shared/protocol';

import classes from './RegistryFields.module.css';
import { pasted, TLS_CHOICES, type Fields } from './registryForm';

type RegistryFieldsProps = {
  fields: Fields;
  /** The node has a password for this place. */
  hasPassword: boolean;
  onChange: (change: Partial<Fields>) => void;
};

export function RegistryFields({ fields, hasPassword, onChange }: RegistryFieldsProps) {
  return (
    <div className={classes.fields}>
      <TextInput
        className={classes.wide}
        label="Host"
        description="Name or address; a whole postgres:// address is taken apart."
        placeholder="db.example.org"
        spellCheck={false}
        autoCapitalize="none"
        data-autofocus
        value={fields.host}
        onChange={({ currentTarget: { value } }) => onChange(pasted(value) ?? { host: value })}
      />
      <TextInput
        className={classes.narrow}
        label="Port"
        inputMode="numeric"
        value={fields.port}
        onChange={({ currentTarget: { value } }) => onChange({ port: value })}
      />
      <TextInput
        className={classes.full}
        label="Database"
        spellCheck={false}
        autoCapitalize="none"
        value={fields.database}
        onChange={({ currentTarget: { value } }) => onChange({ database: value })}
      />
      <TextInput
        className={classes.half}
        label="User"
        autoComplete="off"
        spellCheck={false}
        autoCapitalize="none"
        value={fields.user}
        onChange={({ currentTarget: { value } }) => onChange({ user: value })}
      />
      <TextInput
        className={classes.half}
        label="Password"
        type="password"
        autoComplete="new-password"
        placeholder={hasPassword ? 'As it was' : undefined}
        value={fields.password}
        onChange={({ currentTarget: { value } }) => onChange({ password: value })}
      />
      <NativeSelect
        className={classes.full}
        label="Encryption"
        data={TLS_CHOICES}
        value={fields.tls}
        onChange={({ currentTarget: { value } }) => onChange({ tls: value as RegistryTls })}
      />
      {fields.tls === 'verify_full' && (
        <TextInput
          className={classes.full}
          label="Certificate of its authority (CA)"
          description="A file on this machine, by its whole path. Empty: the authorities that the system knows."
          placeholder="/etc/ssl/openspace-ca.pem"
          spellCheck={false}
          value={fields.authorities}
          onChange={({ currentTarget: { value } }) => onChange({ authorities: value })}
        />
      )}
    </div>
  );
}
