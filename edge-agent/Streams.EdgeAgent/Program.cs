using Streams.EdgeAgent;

return await AgentProgram.RunAsync(args, Console.In, Console.Out, Console.Error);
