package page

import (
	"errors"
	"math"
)

// Chart is bars by label, drawn as SVG, with their numbers in a table beneath: template "chart".
type Chart struct {
	Title  string
	Labels string   // what the labels are, as the table's first heading: Week
	Steps  []string // the labels, in order
	Series []Series
}

// Series is one row of numbers of a chart. There are up to four, told apart by shade and pattern.
type Series struct {
	Name   string
	Values []float64
}

// The size of a chart in the units of its drawing.
const (
	chartWidth  = 640.0
	chartHeight = 200.0
	maxSeries   = 4
	maxSteps    = 400
)

// Bar is one bar.
type Bar struct {
	X, Y, Width, Height float64
	Series              int // 1 to 4
}

// Row is the numbers at one label.
type Row struct {
	Label  string
	Values []float64
}

// SeriesHead is a series' name with its number, which is its shade.
type SeriesHead struct {
	Name   string
	Number int
}

// Heads are the heads of the table.
func (c Chart) Heads() []SeriesHead {
	var heads []SeriesHead
	for i, series := range c.Series {
		heads = append(heads, SeriesHead{Name: series.Name, Number: i + 1})
	}
	return heads
}

// Check says what is wrong with a chart.
func (c Chart) Check() error {
	if len(c.Series) > maxSeries || len(c.Steps) > maxSteps {
		return errors.New("a chart has at most 4 series and 400 steps")
	}
	for _, series := range c.Series {
		if len(series.Values) != len(c.Steps) {
			return errors.New("every series of a chart has a number for each step")
		}
		for _, value := range series.Values {
			if value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
				return errors.New("the numbers of a chart are not negative")
			}
		}
	}
	return nil
}

// Top is the largest number.
func (c Chart) Top() float64 {
	top := 0.0
	for _, series := range c.Series {
		for _, value := range series.Values {
			top = max(top, value)
		}
	}
	return top
}

// Bars are the chart's drawing.
func (c Chart) Bars() ([]Bar, error) {
	if err := c.Check(); err != nil || len(c.Steps) == 0 || len(c.Series) == 0 {
		return nil, err
	}
	step := chartWidth / float64(len(c.Steps))
	width := step * 0.8 / float64(len(c.Series))
	top := max(c.Top(), 1)
	var bars []Bar
	for i := range c.Steps {
		for s, series := range c.Series {
			height := series.Values[i] / top * chartHeight
			bars = append(bars, Bar{
				X: round(step*(float64(i)+0.1) + width*float64(s)), Y: round(chartHeight - height), Width: round(width), Height: round(height), Series: s + 1,
			})
		}
	}
	return bars, nil
}

func round(value float64) float64 { return math.Round(value*100) / 100 }

// Rows are the chart's table.
func (c Chart) Rows() ([]Row, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	rows := make([]Row, len(c.Steps))
	for i, label := range c.Steps {
		rows[i].Label = label
		for _, series := range c.Series {
			rows[i].Values = append(rows[i].Values, series.Values[i])
		}
	}
	return rows, nil
}
