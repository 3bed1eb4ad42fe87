package store

// vacant returns ErrExists if c's ID or digest is taken.
func (m *Memory) vacant(c *Credential) error {
	if m.ids[c.ID] != nil {
		return ErrExists
	}
	if t := m.table.Load(); t != nil {
		if _, taken := t.at(&c.Digest); taken != nil {
			return ErrExists
		}
	}
	return nil
}

// add stores c, whose ID and digest are vacant.
func (m *Memory) add(c *Credential) {
	if m.ids == nil {
		m.ids, m.accounts = make(map[string]*Credential), make(map[string]*account)
		m.table.Store(newTable(nil))
	}
	t := m.table.Load()
	if t.full() {
		t = newTable(append(t.rows(), c))
		m.table.Store(t)
	} else {
		t.put(c)
	}
	m.ids[c.ID] = c
	a := m.accounts[c.Subject]
	if a == nil {
		a = new(account)
		m.accounts[c.Subject] = a
	}
	a.add(c)
}

// replace replaces the row that has c's ID and digest by c.
func (m *Memory) replace(c *Credential) {
	m.accounts[c.Subject].replace(m.ids[c.ID], c)
	m.ids[c.ID] = c
	m.table.Load().put(c)
}
