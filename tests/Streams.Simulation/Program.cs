return Streams.Simulation.SimulationProgram.Run(args, Console.Out);
