package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Job is a compile for another process: all of an [Input] that can be written down.
type Job struct {
	// Dir and Keep are of the [Folder], Lists is the folder of the list store.
	Dir   string `json:"dir"`
	Keep  int    `json:"keep,omitempty"`
	Lists string `json:"lists"`

	Manifests []*blocklists.Manifest `json:"manifests"`
	Own       []OwnNames             `json:"own,omitempty"`
	// Previous is the generation before, as its file is called; 0: none. Unmoved are the
	// lists whose source is as it was for it.
	Previous uint64              `json:"previous,omitempty"`
	Unmoved  []blocklists.ListID `json:"unmoved,omitempty"`
	After    uint64              `json:"after,omitempty"`
	// Pinned are the lists that stay as they are in the generation before.
	Pinned []blocklists.ListID `json:"pinned,omitempty"`
	Now    time.Time           `json:"now"`
	// Codes is the key that codes are made with: where there is one, the job is to write the
	// codes of Previous, and not to compile.
	Codes []byte `json:"codes,omitempty"`
	// Guard is what the process that compiles makes an [Inspector] of; this package
	// hands it on.
	Guard json.RawMessage `json:"guard,omitempty"`
}

// OwnNames is an [Own] as it is written down: names in wire form are no text.
type OwnNames struct {
	Own
	Octets [][]byte `json:"octets"`
}

// Result is what became of a job.
type Result struct {
	Generation uint64         `json:"generation"`
	Reports    []ResultReport `json:"reports"`
}

// ResultReport is a report whose error survives being written down.
type ResultReport struct {
	ListReport
	Trouble string `json:"trouble,omitempty"`
}

// NewJob makes a job of an input, for a folder. What the input has of functions the other
// process must bring itself.
func NewJob(folder *Folder, lists string, in *Input) *Job {
	job := &Job{Dir: folder.Dir, Keep: folder.Keep, Lists: lists, Manifests: in.Catalog.Lists(), After: in.After, Now: in.Now}
	if in.Previous != nil {
		job.Previous = in.Previous.File()
	}
	for _, own := range in.Own {
		written := OwnNames{Own: own}
		for _, name := range own.Names {
			written.Octets = append(written.Octets, []byte(name))
		}
		job.Own = append(job.Own, written)
	}
	for _, manifest := range in.Catalog.Lists() {
		if in.Unmoved != nil && in.Unmoved(manifest) {
			job.Unmoved = append(job.Unmoved, manifest.ID)
		}
		if in.Pinned != nil && in.Pinned(manifest.ID) {
			job.Pinned = append(job.Pinned, manifest.ID)
		}
	}
	return job
}

// RunCodes does the job that [Job.Codes] asks for.
func (j *Job) RunCodes(ctx context.Context, coder *Coder) error {
	catalog, err := blocklists.NewCatalog(j.Manifests)
	if err != nil {
		return err
	}
	var own []Own
	for i := range j.Own {
		own = append(own, j.Own[i].Own)
	}
	folder := Folder{Dir: j.Dir, Keep: j.Keep}
	of, err := folder.Open(j.Previous, 0, catalog, own)
	if err != nil {
		return err
	}
	return folder.WriteCodes(ctx, of, coder)
}

// maxJob bounds what is read of a job or a result.
const maxJob = 1 << 30

// ReadJob reads a job that was written as JSON.
func ReadJob(from io.Reader) (*Job, error) {
	var job Job
	if err := json.NewDecoder(io.LimitReader(from, maxJob)).Decode(&job); err != nil {
		return nil, fmt.Errorf("the job cannot be read: %w", err)
	}
	for i := range job.Own {
		for _, octets := range job.Own[i].Octets {
			job.Own[i].Names = append(job.Own[i].Names, wire.Name(octets))
		}
	}
	return &job, nil
}

// Run does the job. The input brings store, log and inspector.
func (j *Job) Run(ctx context.Context, in *Input) (*Result, error) {
	catalog, err := blocklists.NewCatalog(j.Manifests)
	if err != nil {
		return nil, err
	}
	in.Catalog, in.After, in.Now = catalog, j.After, j.Now
	for i := range j.Own {
		in.Own = append(in.Own, j.Own[i].Own)
	}
	in.Pinned = func(id blocklists.ListID) bool { return slices.Contains(j.Pinned, id) }
	in.Unmoved = func(m *blocklists.Manifest) bool { return slices.Contains(j.Unmoved, m.ID) }
	folder := Folder{Dir: j.Dir, Keep: j.Keep}
	if j.Previous != 0 {
		// Whatever lists the generation before has: those that are gone matter to nobody.
		if in.Previous, err = folder.Open(j.Previous, 0, catalog, in.Own); err != nil {
			in.Log.Error("bundle: the generation before cannot be read; all lists are read anew and count as first seen now", "error", err)
		}
	}
	generation, reports, err := folder.Write(ctx, in)
	if errors.Is(err, ErrCorrupt) && in.Previous != nil {
		in.Log.Error("bundle: the generation before is damaged; all lists are read anew and count as first seen now", "error", err)
		in.Previous, in.Unmoved = nil, nil
		generation, reports, err = folder.Write(ctx, in)
	}
	if generation == 0 {
		return nil, err
	}
	result := &Result{Generation: generation}
	for i := range reports {
		written := ResultReport{ListReport: reports[i]}
		if trouble := reports[i].Fetch.Err; trouble != nil {
			written.Trouble = trouble.Error()
		}
		result.Reports = append(result.Reports, written)
	}
	return result, err
}

// ReadResult reads what a job's process wrote.
func ReadResult(from io.Reader) (*Result, error) {
	var result Result
	if err := json.NewDecoder(io.LimitReader(from, maxJob)).Decode(&result); err != nil {
		return nil, fmt.Errorf("the result of the compile cannot be read: %w", err)
	}
	for i := range result.Reports {
		if trouble := result.Reports[i].Trouble; trouble != "" {
			result.Reports[i].Fetch.Err = errors.New(trouble)
		}
	}
	return &result, nil
}

// ListReports are the reports of the result, in the catalog's order.
func (r *Result) ListReports() []ListReport {
	reports := make([]ListReport, 0, len(r.Reports))
	for i := range r.Reports {
		reports = append(reports, r.Reports[i].ListReport)
	}
	return reports
}

// File is the generation whose file the bundle was opened from; 0 where there is none.
// It differs from [Bundle.Generation] where an older one came back, or With added to it.
func (b *Bundle) File() uint64 {
	for i := len(b.strata) - 1; i >= 0; i-- {
		if !b.metas[i].Added && b.strata[i].held.file != nil {
			return b.strata[i].generation
		}
	}
	return 0
}
