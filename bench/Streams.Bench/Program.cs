using Streams.Bench;

return args is [Child.Switch, ..] ? await Child.RunAsync(args, Console.Out) : await BenchProgram.RunAsync(args, Console.Out, Console.Error);
