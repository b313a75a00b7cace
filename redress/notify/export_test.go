package notify

import "bytes"

// Written is a notice as the mail server gets it.
func (m *Mailer) Written(notice *Notice) ([]byte, error) {
	message, err := m.message(notice)
	if err != nil {
		return nil, err
	}
	var written bytes.Buffer
	_, err = message.WriteTo(&written)
	return written.Bytes(), err
}
