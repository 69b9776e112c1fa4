// Reads an OpenVEX document with the library that vexctl is made of, and prints what that understands of it: one line
// a statement and product.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/openvex/go-vex/pkg/vex"
)

func main() {
	document, err := vex.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s version %d by %s\n", document.ID, document.Version, document.Author)
	for _, statement := range document.Statements {
		if err := statement.Validate(); err != nil {
			log.Fatal(err)
		}
		for _, product := range statement.Products {
			fmt.Printf("%s %s %s\n", statement.Vulnerability.Name, statement.Status, product.ID)
			for _, part := range product.Subcomponents {
				fmt.Printf("  %s\n", part.ID)
			}
		}
	}
}
