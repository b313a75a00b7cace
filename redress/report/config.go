package report

// Config is what the operator states for the report and no event can say.
type Config struct {
	// Clients is how many people or lines the resolver serves. Below [FewClients] nothing is
	// published of how much lists withhold.
	Clients uint32 `yaml:"clients"`
	// Reviewers is how many people decide cases, Languages in which, and TrainingHours how long they
	// were trained in the last year, all of them together.
	Reviewers     uint32   `yaml:"reviewers"`
	Languages     []string `yaml:"languages"`
	TrainingHours uint32   `yaml:"training_hours"`
}

// FewClients is the number of clients below which counts might tell of single ones.
const FewClients = 1000
