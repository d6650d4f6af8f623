// Command go sends one request for each line of input, with one client of the
// AWS SDK for Go 2.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

func main() {
	ctx := context.Background()
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load configuration:", err)
		os.Exit(1)
	}
	client := ecs.NewFromConfig(c)
	fmt.Println("aws-sdk-go-v2", aws.SDKVersion)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if _, err := client.ListClusters(ctx, nil); err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println("ok")
	}
}
